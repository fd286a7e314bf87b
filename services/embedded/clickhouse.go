package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/throughline-trials/throughline/services/embedded/chdb"
	"github.com/throughline-trials/throughline/services/embedded/chhttp"
)

const clickHouseServiceUser = "services"

// engineOptions are the server and session options of the embedded engine. The server ones keep caches small: the
// defaults are shares of the machine's memory. The session ones are those that the facts rely on.
func (c Config) engineOptions() []string {
	bytes := func(n int64) string { return strconv.FormatInt(n, 10) }
	return []string{
		"--max_server_memory_usage=" + bytes(c.EngineMemory),
		"--mark_cache_size=" + bytes(64<<20),
		"--primary_index_cache_size=" + bytes(64<<20),
		"--index_mark_cache_size=" + bytes(16<<20),
		"--query_condition_cache_size=" + bytes(16<<20),
		"--compiled_expression_cache_size=" + bytes(16<<20),
		"--vector_similarity_index_cache_size=" + bytes(1<<20),
		"--text_index_tokens_cache_size=" + bytes(1<<20),
		"--text_index_header_cache_size=" + bytes(1<<20),
		"--text_index_postings_cache_size=" + bytes(1<<20),
		"--iceberg_metadata_files_cache_size=" + bytes(1<<20),
		"--parquet_metadata_cache_size=" + bytes(1<<20),
		"--unique_key_index_cache_size_bytes=" + bytes(1<<20),
		"--backups.allowed_path=" + c.BackupDir,
		"--max_memory_usage=" + bytes(c.QueryMemory),
		"--async_insert=0",
		"--session_timezone=UTC",
		"--implicit_select=0", // as on a server: 1 + 1 is no statement
		"--allow_introspection_functions=0",
	}
}

func (e *Engines) accounts() []chhttp.Account {
	accounts := []chhttp.Account{{Name: clickHouseServiceUser, Password: e.credentials.ClickHouse, Services: true}}
	for _, r := range e.config.Readers {
		accounts = append(accounts, chhttp.Account{Name: r.Name, Password: e.credentials.Readers[r.Name], Databases: r.Databases})
	}
	return accounts
}

// ClickHouseOptions are those of a clickhouse-go client for this connection. No deadline is set on reading: an
// INSERT has none.
func (c Connection) ClickHouseOptions(database string) *clickhouse.Options {
	return &clickhouse.Options{
		Addr:         []string{c.ClickHouse},
		Protocol:     clickhouse.HTTP,
		Auth:         clickhouse.Auth{Database: database, Username: c.ClickHouseUser, Password: c.ClickHousePassword},
		DialTimeout:  10 * time.Second,
		ReadTimeout:  24 * time.Hour,
		MaxOpenConns: 16,
		MaxIdleConns: 8,
	}
}

// clickHousePort is the HTTP server in front of the engine.
type clickHousePort struct {
	listener net.Listener
	server   *http.Server
	done     chan struct{}
}

func servePort(listener net.Listener, engine *chdb.Engine, accounts []chhttp.Account, log *slog.Logger) *clickHousePort {
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	handler := chhttp.New(chhttp.Config{
		Engine:   engine,
		Accounts: accounts,
		Hosts:    []string{listener.Addr().String(), "localhost:" + port, "127.0.0.1:" + port, "[::1]:" + port},
		Log:      log,
	})
	p := &clickHousePort{listener: listener, done: make(chan struct{})}
	p.server = &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		MaxHeaderBytes:    16 << 20, // statements and parameters come in the URL
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	go func() {
		defer close(p.done)
		if err := p.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("ClickHouse port stopped", "error", err)
		}
	}()
	return p
}

func (p *clickHousePort) address() string { return p.listener.Addr().String() }

// close takes no new connections and waits for the statements that run.
func (p *clickHousePort) close(patience time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := p.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("close ClickHouse port: a statement still runs after %s", patience), p.server.Close())
	}
	<-p.done
	return err
}
