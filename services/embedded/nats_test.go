package embedded_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/throughline-trials/throughline/services/embedded"
	"github.com/throughline-trials/throughline/services/embedded/embeddedtest"
)

func TestNATSDemandsCredentials(t *testing.T) {
	c := embeddedtest.Engines(t).Connection()
	if nc, err := nats.Connect(c.NATS); !errors.Is(err, nats.ErrAuthorization) {
		nc.Close()
		t.Errorf("without credentials: %v", err)
	}
	if nc, err := nats.Connect(c.NATS, nats.UserInfo(c.NATSUser, "x")); !errors.Is(err, nats.ErrAuthorization) {
		nc.Close()
		t.Errorf("wrong password: %v", err)
	}
}

func TestNATSUsersHaveOnlyTheirSubjects(t *testing.T) {
	engines := embeddedtest.Engines(t)
	user := embedded.NATSUser{Name: "app", Password: "secret", Publish: []string{"tl.events.hope.>"}, Subscribe: []string{"_INBOX_app.>"}}
	if err := engines.SetNATSUsers([]embedded.NATSUser{user}); err != nil {
		t.Fatal(err)
	}
	service, err := engines.NATS()
	if err != nil {
		t.Fatal(err)
	}
	defer service.Close()
	heard, err := service.SubscribeSync("tl.>")
	if err != nil {
		t.Fatal(err)
	}
	if err := service.Flush(); err != nil {
		t.Fatal(err)
	}

	refused := make(chan error, 10)
	app, err := nats.Connect(engines.Connection().NATS, nats.UserInfo("app", "secret"), nats.CustomInboxPrefix("_INBOX_app"), nats.MaxReconnects(0),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { refused <- err }))
	if err != nil {
		t.Fatal(err)
	}
	defer app.Close()
	for _, subject := range []string{"tl.events.other.p1", "tl.study.hope.definition", "$JS.API.STREAM.LIST"} {
		if err := app.Publish(subject, []byte("x")); err != nil {
			t.Fatal(err)
		}
		if err := <-refused; !errors.Is(err, nats.ErrPermissionViolation) {
			t.Errorf("publish to %s: %v", subject, err)
		}
	}
	if _, err := app.SubscribeSync("tl.>"); err != nil {
		t.Fatal(err)
	}
	if err := <-refused; !errors.Is(err, nats.ErrPermissionViolation) {
		t.Errorf("subscribe: %v", err)
	}
	if err := app.Publish("tl.events.hope.p1", []byte("good")); err != nil {
		t.Fatal(err)
	}
	if m, err := heard.NextMsg(10 * time.Second); err != nil || m.Subject != "tl.events.hope.p1" {
		t.Errorf("heard %v, %v", m, err)
	}

	closed := make(chan struct{})
	app.SetClosedHandler(func(*nats.Conn) { close(closed) })
	if err := engines.SetNATSUsers(nil); err != nil {
		t.Fatal(err)
	}
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Error("a user that is gone stays connected")
	}
	if err := service.Flush(); err != nil {
		t.Errorf("the services' connection ended too: %v", err)
	}
}

func TestMessagesOfOneMebibyteFit(t *testing.T) {
	nc, js := embeddedtest.JetStream(t)
	if nc.MaxPayload() < embedded.MaxMessage {
		t.Errorf("at most %d bytes", nc.MaxPayload())
	}
	if _, err := js.CreateStream(t.Context(), streamConfig()); err != nil {
		t.Fatal(err)
	}
	m := &nats.Msg{Subject: "s.a", Data: bytes.Repeat([]byte("x"), embedded.MaxMessage), Header: nats.Header{"Nats-Msg-Id": {"a"}}}
	if _, err := js.PublishMsg(t.Context(), m); err != nil {
		t.Error(err)
	}
}

func TestUnusableFilesAreToldAtOnce(t *testing.T) {
	config := embeddedtest.Config(t.TempDir())
	if err := os.WriteFile(filepath.Join(config.DataDir, "nats"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if log, err := embedded.StartLog(config); err == nil {
		log.Close()
		t.Error("started on a file")
	}
	config = embeddedtest.Config(t.TempDir())
	if err := os.MkdirAll(filepath.Join(config.DataDir, "nats"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(config.DataDir, "nats", "jetstream"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if log, err := embedded.StartLog(config); err == nil {
		log.Close()
		t.Error("started without JetStream")
	} else if !strings.Contains(err.Error(), config.DataDir) {
		t.Errorf("got %v", err)
	}
}
