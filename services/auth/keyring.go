package auth

import (
	"cmp"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// bucketName is the key-value bucket that holds the tokens.
const bucketName = "tokens"

// The errors of [Keyring.Authenticate] and [Keyring.Revoke].
var (
	ErrNoCredential  = errors.New("a credential is needed: send Authorization: Bearer TOKEN")
	ErrBadCredential = errors.New("the credential is not known, or was revoked")
	ErrNoToken       = errors.New("there is no such token")
)

// Config is how a [Keyring] works.
type Config struct {
	Loopback   bool   // the server can be reached from this machine only: open mode until the first token
	LocalToken string // the local credential of connection.json; none if empty
	Replicas   int    // of the bucket, 1 if zero
	Clock      func() time.Time
}

// Keyring holds the tokens. It follows changes made by other services. Close it when done. It is safe for concurrent use.
type Keyring struct {
	config  Config
	bucket  jetstream.KeyValue
	watcher jetstream.KeyWatcher
	done    chan struct{}

	mu     sync.RWMutex
	tokens map[string]Token
}

// Open reads the tokens, making their bucket if there is none, and follows them until Close.
func Open(ctx context.Context, js jetstream.JetStream, config Config) (*Keyring, error) {
	if config.Clock == nil {
		config.Clock = time.Now
	}
	bucket, err := js.KeyValue(ctx, bucketName)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		bucket, err = js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: bucketName, Description: "Throughline: hashes of tokens", Storage: jetstream.FileStorage,
			History: 1, Replicas: max(config.Replicas, 1),
		})
	}
	if err != nil {
		return nil, fmt.Errorf("open bucket of tokens: %w", err)
	}
	k := &Keyring{config: config, bucket: bucket, done: make(chan struct{}), tokens: make(map[string]Token)}
	// The watcher outlives ctx, which bounds the opening only; Close stops it.
	k.watcher, err = bucket.WatchAll(context.WithoutCancel(ctx))
	if err != nil {
		return nil, fmt.Errorf("follow tokens: %w", err)
	}
	if err := k.readPresent(ctx); err != nil {
		return nil, errors.Join(err, k.watcher.Stop())
	}
	go k.follow()
	return k, nil
}

// readPresent takes in what the bucket holds; the watcher marks its end with nil.
func (k *Keyring) readPresent(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("read tokens: %w", ctx.Err())
		case entry, ok := <-k.watcher.Updates():
			if !ok {
				return errors.New("read tokens: the connection was closed")
			}
			if entry == nil {
				return nil
			}
			if err := k.take(entry); err != nil {
				return err
			}
		}
	}
}

func (k *Keyring) follow() {
	defer close(k.done)
	for entry := range k.watcher.Updates() {
		if entry != nil {
			// What cannot be read grants nothing; the token that stood there before is dropped.
			_ = k.take(entry)
		}
	}
}

func (k *Keyring) take(entry jetstream.KeyValueEntry) error {
	var t Token
	err := json.Unmarshal(entry.Value(), &t)
	k.mu.Lock()
	defer k.mu.Unlock()
	if entry.Operation() != jetstream.KeyValuePut || err != nil || t.ID != entry.Key() {
		delete(k.tokens, entry.Key())
		if entry.Operation() == jetstream.KeyValuePut {
			return fmt.Errorf("read token %s: it is damaged", entry.Key())
		}
		return nil
	}
	k.tokens[t.ID] = t
	return nil
}

// Close stops following.
func (k *Keyring) Close() error {
	err := k.watcher.Stop()
	<-k.done
	return err
}

// Create makes a token and returns it with its secret text, which is kept nowhere.
func (k *Keyring) Create(ctx context.Context, r Request) (Token, string, error) {
	if err := r.Validate(); err != nil {
		return Token{}, "", fmt.Errorf("create token: %w", err)
	}
	t, secret := newToken(r, k.config.Clock())
	if err := k.put(ctx, t); err != nil {
		return Token{}, "", fmt.Errorf("create token: %w", err)
	}
	return t, secret, nil
}

// Revoke ends a token at once and for good. Revoking it again changes nothing. The error is [ErrNoToken] if there is none.
func (k *Keyring) Revoke(ctx context.Context, id string) error {
	k.mu.RLock()
	t, ok := k.tokens[id]
	k.mu.RUnlock()
	if !ok {
		return ErrNoToken
	}
	if t.Revoked != nil {
		return nil
	}
	now := k.config.Clock().UTC()
	t.Revoked = &now
	if err := k.put(ctx, t); err != nil {
		return fmt.Errorf("revoke token: %w", err)
	}
	return nil
}

func (k *Keyring) put(ctx context.Context, t Token) error {
	text, err := json.Marshal(t)
	if err != nil {
		return err
	}
	if _, err := k.bucket.Put(ctx, t.ID, text); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tokens[t.ID] = t
	return nil
}

// List returns all tokens ever made, oldest first.
func (k *Keyring) List() []Token {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return slices.SortedFunc(maps.Values(k.tokens), func(a, b Token) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
}

// HaveTokens reports whether a token was ever made.
func (k *Keyring) HaveTokens() bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return len(k.tokens) > 0
}

// IsOpen reports whether open mode holds: the server listens on loopback and no token was ever made.
func (k *Keyring) IsOpen() bool { return k.config.Loopback && !k.HaveTokens() }

// Authenticate returns what a request's credential grants. Without a credential it is what open mode grants, or
// [ErrNoCredential]; a credential that is wrong in any way is [ErrBadCredential], in open mode too.
func (k *Keyring) Authenticate(r *http.Request) (Grant, error) {
	headers, sent := r.Header["Authorization"]
	if !sent {
		if k.IsOpen() {
			return OpenGrant(), nil
		}
		return Grant{}, ErrNoCredential
	}
	if len(headers) != 1 {
		return Grant{}, ErrBadCredential
	}
	scheme, secret, _ := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return Grant{}, ErrBadCredential
	}
	return k.Identify(strings.TrimSpace(secret))
}

// Identify returns what a token's text, or the local credential, grants.
func (k *Keyring) Identify(secret string) (Grant, error) {
	if k.isLocal(secret) {
		return LocalGrant(), nil
	}
	k.mu.RLock()
	t, ok := k.tokens[idOf(secret)]
	k.mu.RUnlock()
	if !ok || !t.matches(secret) || t.Revoked != nil {
		return Grant{}, ErrBadCredential
	}
	return t.Grant(), nil
}

func (k *Keyring) isLocal(secret string) bool {
	local := k.config.LocalToken
	return local != "" && subtle.ConstantTimeCompare([]byte(hashOf(local)), []byte(hashOf(secret))) == 1
}
