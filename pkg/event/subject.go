package event

import "strings"

// The kinds of subject, as [ParseSubject] returns them.
const (
	SubjectEvents     = "events"
	SubjectAllocation = "allocation"
	SubjectStudy      = "study"
	SubjectQuarantine = "quarantine"
	SubjectAudit      = "audit"
)

const (
	subjectRoot = "tl"
	noToken     = "~" // stands for what is empty or cannot be a token
)

// EventsSubject returns the subject of a participant's events, tl.events.<study>.<participant>. What is empty or not
// valid becomes ~, which is no study and no participant, so that nothing can be smuggled into a subject.
func EventsSubject(study, participant string) string {
	return subject(SubjectEvents, study, participantToken(participant))
}

// AllocationSubject returns the subject of a participant's randomisation, tl.allocation.<study>.<participant>.
func AllocationSubject(study, participant string) string {
	return subject(SubjectAllocation, study, participantToken(participant))
}

// StudySubject returns the subject of what is said about a study, tl.study.<study>.<what>, with what as [StudyToken]
// gives it.
func StudySubject(study, what string) string {
	if !ValidCode(what) {
		what = noToken
	}
	return subject(SubjectStudy, study, what)
}

// QuarantineSubject returns the subject of a participant's refused events, tl.quarantine.<study>.<participant>.
func QuarantineSubject(study, participant string) string {
	return subject(SubjectQuarantine, study, participantToken(participant))
}

// AuditSubject returns the subject of the audit of a study, tl.audit.<study>.
func AuditSubject(study string) string { return subject(SubjectAudit, study, "") }

// StudyToken returns the last token of the subject of a type on [StreamStudies]: definition, outage, unblinding, voided
// or corrected; empty for other types.
func StudyToken(typ string) string {
	switch typ {
	case TypeDefinition:
		return "definition"
	case TypeOutage:
		return "outage"
	case TypeUnblinding:
		return "unblinding"
	case TypeVoided:
		return "voided"
	case TypeCorrected:
		return "corrected"
	}
	return ""
}

func subject(kind, study, rest string) string {
	if !ValidStudy(study) {
		study = noToken
	}
	if rest == "" {
		return subjectRoot + "." + kind + "." + study
	}
	return subjectRoot + "." + kind + "." + study + "." + rest
}

func participantToken(participant string) string {
	if !ValidSubject(participant) {
		return noToken
	}
	return participant
}

// ParseSubject takes a subject apart: its kind ([SubjectEvents] and so on), its study, and the participant or what is
// said about the study; empty where the subject has ~. ok is false for what none of the functions of this package makes.
func ParseSubject(subject string) (kind, study, rest string, ok bool) {
	var parts [4]string
	n := 0
	for part := range strings.SplitSeq(subject, ".") {
		if n == len(parts) {
			return "", "", "", false
		}
		parts[n] = part
		n++
	}
	kind, study, rest = parts[1], parts[2], parts[3]
	valid := ValidSubject
	switch kind {
	case SubjectEvents, SubjectAllocation, SubjectQuarantine:
	case SubjectStudy:
		valid = ValidCode
	case SubjectAudit:
		n++ // has no last token
		rest = noToken
	default:
		return "", "", "", false
	}
	if n != len(parts) || parts[0] != subjectRoot || !isToken(study, ValidStudy) || !isToken(rest, valid) || kind == SubjectAudit && parts[3] != "" {
		return "", "", "", false
	}
	return kind, strings.TrimPrefix(study, noToken), strings.TrimPrefix(rest, noToken), true
}

func isToken(s string, valid func(string) bool) bool { return s == noToken || valid(s) }
