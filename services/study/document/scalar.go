package document

import "strconv"

// Number reads a number in plain digits.
func (r *Reader) Number(v *Value, path string) (float64, bool) {
	if v.Kind != KindNumber {
		r.WrongKind(v, path, "a number")
		return 0, false
	}
	n, err := strconv.ParseFloat(v.Text, 64)
	if err != nil || !numberPattern.MatchString(v.Text) {
		r.Fault(v, path, "must be a number in plain digits, such as 60 or 0.5")
		return 0, false
	}
	return n, true
}

// Scalar reads text, a number or a flag, as string, float64 or bool; nil after a fault.
func (r *Reader) Scalar(v *Value, path string) any {
	switch v.Kind {
	case KindNumber:
		if n, ok := r.Number(v, path); ok {
			return n
		}
	case KindFlag:
		return IsTrue(v)
	case KindText:
		return r.Text(v, path)
	default:
		r.WrongKind(v, path, "text, a number, true or false")
	}
	return nil
}
