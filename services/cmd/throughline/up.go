package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/throughline-trials/throughline/services/server"
)

// logger writes warnings and worse to standard error; THROUGHLINE_LOG=debug or info shows more.
func (a *app) logger() *slog.Logger {
	level := slog.LevelWarn
	if s := os.Getenv("THROUGHLINE_LOG"); s != "" {
		_ = level.UnmarshalText([]byte(s))
	}
	return slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: level}))
}

func newUp(a *app) *cobra.Command {
	var c server.Config
	var without []string
	cmd := &cobra.Command{
		Use: "up", Short: "Run everything in one process, with NATS and ClickHouse embedded",
		Long: `Runs every service in one process, with a NATS server and the ClickHouse engine inside. What it is told is kept in the
data folder; starting again goes on where it stopped.

The page is at the --listen address. While no token has been made, everybody on this machine may send and read;
throughline token create ends that. Addresses and local credentials for tools are in DIR/connection.json.`,
		Example: "  throughline up --demo\n  throughline up --data /srv/throughline --listen 127.0.0.1:9090",
		Args:    args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c.Roles = []server.Role{}
			for _, r := range server.AllRoles() {
				if !slices.Contains(without, string(r)) {
					c.Roles = append(c.Roles, r)
				}
			}
			if len(c.Roles)+len(without) != len(server.AllRoles()) {
				return usagef("--without: choose among %s, each once", joined(server.AllRoles()))
			}
			c.Logger, c.Notify = a.logger(), a.say
			return a.serve(cmd, c)
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.Data, "data", server.DefaultData, "data folder")
	f.StringVar(&c.Listen, "listen", "127.0.0.1:8080", "address of the page and the HTTP API")
	f.StringVar(&c.NATS.Listen, "nats", "127.0.0.1:4222", "address of the embedded NATS server")
	f.StringVar(&c.ClickHouse.Listen, "clickhouse", "127.0.0.1:8123", "address of the embedded ClickHouse engine (HTTP)")
	f.BoolVar(&c.Demo, "demo", false, "load the demo portfolio of 30 studies and keep it moving")
	f.Int64Var(&c.Reserve, "reserve", 1<<30, "bytes of free disk below which nothing more is accepted")
	f.StringVar(&c.Library, "libchdb", "", "path of libchdb.so (default: THROUGHLINE_LIBCHDB, the data folder, deploy/embedded)")
	f.StringSliceVar(&without, "without", nil, "services that run elsewhere: "+joined(server.AllRoles()))
	f.StringVar(&c.Trace, "trace", "", "file in which the projector marks what it is doing, for fault injection")
	_ = f.MarkHidden("trace")
	return cmd
}

func (a *app) serve(cmd *cobra.Command, c server.Config) error {
	if err := c.WithDefaults().Validate(); err != nil {
		return usageError{err}
	}
	return server.Run(cmd.Context(), c)
}

var serviceRoles = map[string]struct {
	role  server.Role
	short string
}{
	"gateway": {server.RoleGateway, "Run the gateway alone: POST /v1/events → log"},
	"project": {server.RoleProjector, "Run the projector alone: log → facts"},
	"analyse": {server.RoleAnalyst, "Run the analyst alone: facts → participants"},
	"console": {server.RoleConsole, "Run the console and the read API alone"},
}

func newService(a *app, name string) *cobra.Command {
	s := serviceRoles[name]
	var file, data, listen, trace string
	cmd := &cobra.Command{
		Use: name + " [--config FILE | --data DIR]", Short: s.short,
		Long: s.short + `.

The configuration file (YAML) names the NATS and ClickHouse servers:

  listen: 127.0.0.1:8080
  nats: {url: "nats://nats:4222", user: throughline, password_file: /run/secrets/nats, replicas: 3}
  clickhouse: {url: "http://clickhouse:8123", user: throughline, password_file: /run/secrets/clickhouse, database: throughline}

With --data instead, the engines of the throughline up that runs on that folder are used.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := serviceConfig(file, data)
			if err != nil {
				return err
			}
			if listen != "" {
				c.Listen = listen
			}
			c.Roles, c.Logger, c.Notify, c.Trace = []server.Role{s.role}, a.logger(), a.say, trace
			return a.serve(cmd, c)
		},
	}
	cmd.Flags().StringVar(&file, "config", "", "configuration file")
	cmd.Flags().StringVar(&data, "data", "", "data folder of a running throughline up whose engines to use")
	cmd.Flags().StringVar(&listen, "listen", "", "HTTP address, for requests, /healthz and /metrics")
	cmd.Flags().StringVar(&trace, "trace", "", "file in which the projector marks what it is doing, for fault injection")
	_ = cmd.Flags().MarkHidden("trace")
	return cmd
}

func serviceConfig(file, data string) (server.Config, error) {
	switch {
	case file != "" && data != "":
		return server.Config{}, usagef("give --config or --data, not both")
	case file != "":
		c, err := server.ReadConfig(file)
		if err == nil && c.Embedded() {
			err = errors.New("nats.url and clickhouse.url are needed in the configuration of a single service")
		}
		if err != nil {
			return c, usageError{err}
		}
		return c, nil
	case data != "":
		c, err := server.Beside(data)
		if err != nil {
			return c, fmt.Errorf("use the engines of %s: %w", data, err)
		}
		return c, nil
	}
	return server.Config{}, usagef("give --config FILE, or --data DIR of a running throughline up")
}
