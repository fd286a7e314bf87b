package study

// usable reports whether an event type may stand in a rule.
func (r *reader) usable(v *value, path string) bool { return true }

func (r *reader) fit(where *value, path string, rule Rule) {}

func (r *reader) personal(v *value, path string) {}
