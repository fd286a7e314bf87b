package importer

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"strings"

	"github.com/throughline-trials/throughline/pkg/event"
)

// MinKeyBytes is the length of the shortest key with which pseudonyms are hashed.
const MinKeyBytes = 16

// namer makes pseudonyms and the names of rows.
type namer struct {
	study   string
	subject Subject
	key     []byte
}

func newNamer(study string, subject Subject, key []byte) (namer, error) {
	if subject.Hash && len(key) < MinKeyBytes {
		return namer{}, errors.New("hash pseudonyms: the mapping wants hashed pseudonyms and there is no key of at least 16 bytes: give the key, always the same one")
	}
	return namer{study: study, subject: subject, key: key}, nil
}

// pseudonym returns the participant's pseudonym, or why the cell cannot be one.
func (n *namer) pseudonym(cell string) (subject, fault string) {
	switch {
	case cell == "":
		return "", "is empty: every row needs its participant"
	case n.subject.Hash:
		subject = n.subject.Prefix + n.digest("subject", cell)
	default:
		subject = n.subject.Prefix + strings.Repeat("0", max(0, n.subject.Pad-len(cell))) + cell
	}
	if !event.ValidSubject(subject) {
		return "", "is no pseudonym: it must be at most 64 letters, digits, _ or - with its prefix; or set hash: true"
	}
	return subject, ""
}

// rowName returns what names the row within ids of events: its key as it is where that can stand in an id, else a digest,
// marked so that no key can look like one.
func (n *namer) rowName(key []string) string {
	if !n.subject.Hash {
		name := strings.Join(key, ".")
		plain := len(name) <= 40
		for _, part := range key {
			plain = plain && event.ValidSubject(part)
		}
		if plain {
			return name
		}
	}
	return "~" + n.digest("row", key...)
}

// digest returns 26 characters that tell nothing of the texts without the key.
func (n *namer) digest(use string, texts ...string) string {
	mac := hmac.New(sha256.New, n.key)
	for _, text := range append([]string{use, n.study}, texts...) {
		mac.Write([]byte(text))
		mac.Write([]byte{0})
	}
	sum := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(mac.Sum(nil))
	return strings.ToLower(sum[:26])
}
