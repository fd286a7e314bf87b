package event

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
)

// Identity is study, source and id of an event as a 128-bit hash: two events of one identity are the same event.
type Identity [16]byte

// IdentityOf returns the identity of an event: the first half of the SHA-256 of the three texts, each with its length.
func IdentityOf(study, source, id string) Identity {
	var buf [512]byte
	framed := append(buf[:0], "throughline identity 1"...)
	for _, s := range [...]string{study, source, id} {
		framed = binary.AppendUvarint(framed, uint64(len(s)))
		framed = append(framed, s...)
	}
	sum := sha256.Sum256(framed)
	return Identity(sum[:16])
}

// Identity returns the identity of the event.
func (e *Event) Identity() Identity { return IdentityOf(e.Study, e.Source, e.ID) }

// String returns the identity as 32 hexadecimal digits.
func (i Identity) String() string { return hex.EncodeToString(i[:]) }

// ParseIdentity reads what [Identity.String] wrote.
func ParseIdentity(s string) (Identity, error) {
	var i Identity
	if len(s) != 2*len(i) {
		return Identity{}, errIdentity
	}
	if _, err := hex.Decode(i[:], []byte(s)); err != nil {
		return Identity{}, errIdentity
	}
	return i, nil
}

var errIdentity = errors.New("parse identity: not 32 hexadecimal digits")

// Digest is what an event says as a 128-bit hash.
type Digest [16]byte

// String returns the digest as 32 hexadecimal digits.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// Content returns the digest of the event's canonical form without sent: a resend may carry another one.
func (e *Event) Content() Digest {
	var buf [1024]byte
	sum := sha256.Sum256(e.appendJSON(buf[:0], false))
	return Digest(sum[:16])
}
