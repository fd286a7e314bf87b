package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/throughline-trials/throughline/services/embedded"
	"github.com/throughline-trials/throughline/services/server"
)

// defaultServer is where a server listens unless told otherwise.
const defaultServer = "http://127.0.0.1:8080"

// peerFlags say which server a command talks to.
type peerFlags struct {
	server, token, data, library string
}

func (p *peerFlags) register(cmd *cobra.Command) {
	f := cmd.PersistentFlags()
	f.StringVar(&p.server, "server", os.Getenv("THROUGHLINE_SERVER"), "address of a running server, e.g. "+defaultServer)
	f.StringVar(&p.token, "token", os.Getenv("THROUGHLINE_TOKEN"), "bearer token (default: the local credential of the data folder)")
	f.StringVar(&p.data, "data", "", "data folder: its running server is used; where none runs, the folder is opened for this command (default "+server.DefaultData+")")
	f.StringVar(&p.library, "libchdb", "", "path of libchdb.so, where a folder has to be opened")
}

// peer is a server that a command talks to.
type peer struct {
	base  string
	token string
	http  *http.Client
}

// withServer runs fn against the server that the flags name. Where they name a data folder that no server holds, the
// folder is opened in this process for as long as fn runs.
func (a *app) withServer(ctx context.Context, fn func(context.Context, *peer) error) error {
	p := &a.peer
	if p.server != "" && p.data != "" {
		return usagef("--server and --data name two servers: give one of them")
	}
	if p.server != "" {
		return fn(ctx, newPeer(p.server, p.token))
	}
	data := p.data
	if data == "" {
		data = server.DefaultData
	}
	if _, held := embedded.Locked(data); held {
		c, err := embedded.ReadConnection(data)
		if err != nil {
			return err
		}
		return fn(ctx, connected(c, p.token))
	}
	if p.data == "" {
		return fn(ctx, newPeer(defaultServer, p.token))
	}
	if _, err := os.Stat(data); err != nil {
		return fmt.Errorf("open data folder: %w (start one with: throughline up --data %s)", err, data)
	}
	return server.Within(ctx, server.Config{Data: data, Library: p.library, Logger: a.logger()}, func(ctx context.Context, c embedded.Connection) error {
		return fn(ctx, connected(c, p.token))
	})
}

func connected(c embedded.Connection, token string) *peer {
	if token == "" {
		token = c.LocalToken
	}
	return newPeer(c.HTTP, token)
}

func newPeer(base, token string) *peer {
	if !strings.Contains(base, "://") {
		base = "http://" + base
	}
	return &peer{base: strings.TrimRight(base, "/"), token: token, http: &http.Client{}}
}

// problem is what a server answers when it refuses (RFC 9457).
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

func (p *problem) Error() string {
	if p.Detail == "" {
		return p.Title
	}
	return p.Title + ": " + p.Detail
}

// do sends one request and decodes the answer into out (unless nil). A refusal comes back as a *problem.
func (p *peer) do(ctx context.Context, method, path string, query url.Values, body, out any) error {
	var r io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("encode request: %w", err)
		}
		r = bytes.NewReader(b)
	}
	return p.send(ctx, method, path, query, "application/json", r, out)
}

func (p *peer) send(ctx context.Context, method, path string, query url.Values, mediaType string, body io.Reader, out any) error {
	target := p.base + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return usageError{fmt.Errorf("server address: %w", err)}
	}
	if body != nil {
		req.Header.Set("Content-Type", mediaType)
	}
	if p.token != "" {
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	res, err := p.http.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return fmt.Errorf("reach %s: %w (is a server running? start one with: throughline up)", p.base, err)
	}
	defer res.Body.Close()
	return decodeAnswer(res, out)
}

func decodeAnswer(res *http.Response, out any) error {
	if res.StatusCode >= 300 && !strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		p := &problem{Status: res.StatusCode, Title: res.Status}
		_ = json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(p)
		return p
	}
	if out == nil {
		_, err := io.Copy(io.Discard, res.Body)
		return err
	}
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		return fmt.Errorf("read answer of %s: %w", res.Request.URL.Path, err)
	}
	return nil
}
