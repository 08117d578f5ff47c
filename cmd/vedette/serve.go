package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/vedette/vedette/internal/app"
	"github.com/vedette/vedette/internal/engine/collaborator"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/config"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/log"
	"github.com/vedette/vedette/internal/schema"
)

func serveCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "serve", Short: "Run the service", Args: cobra.NoArgs,
		Long: `Runs the API, the jobs and an embedded scanner. On a first start it makes the operator's account and says how to
sign in. Configuration: flags, VEDETTE_* variables, a file; see docs/configuration.md.`,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := config.Load(c.Flags())
			if err != nil {
				return err
			}
			if how := cfg.Scanner.Collaborator; how != "" {
				if _, err := collaborator.ParseConfig(how); err != nil {
					return fmt.Errorf("scanner.collaborator: %w", err)
				}
			}
			ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return serve(ctx, cfg, c.OutOrStdout())
		},
	}
	config.Flags(c.Flags())
	return c
}

func serve(ctx context.Context, cfg *config.Config, out io.Writer) error {
	logger, err := log.New(os.Stderr, cfg.Log.Level, cfg.Log.Format)
	if err != nil {
		return err
	}
	slog.SetDefault(logger)
	for _, name := range cfg.Unknown() {
		logger.Warn("this environment variable sets nothing", slog.String("name", name))
	}
	a, err := app.New(ctx, cfg, logger, &clock.Clock{})
	if err != nil {
		return err
	}
	greet(out, a)
	return a.Run(ctx)
}

// greet says where the service is and, after a first start, how to sign in.
func greet(out io.Writer, a *app.App) {
	scheme := "http"
	if a.Config.HTTP.TLS() {
		scheme = "https"
	}
	fmt.Fprintf(out, "Vedette serves %s://%s (API /v2, documentation /docs)\n", scheme, a.Address())
	if a.First == nil {
		return
	}
	fmt.Fprintf(out, "\nThis is the first start. Sign in as the operator:\n  user      %s\n", a.First.Username)
	if a.First.Password != "" {
		fmt.Fprintf(out, "  password  %s   (shown this once; keep it)\n\n", a.First.Password)
		return
	}
	fmt.Fprintln(out, "  password  as configured in operator.password")
	fmt.Fprintln(out)
}

func migrateCommand() *cobra.Command {
	var createRoles bool
	c := &cobra.Command{
		Use: "migrate", Short: "Bring the database's schema up to date", Args: cobra.NoArgs,
		Long: `With PostgreSQL, database.migrate_url is the owner of the tables and database.url the role that the service runs
as; --create-roles makes the latter with the password that stands in database.url.`,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := config.Load(c.Flags())
			if err != nil {
				return err
			}
			return migrate(c.Context(), cfg, createRoles)
		},
	}
	c.Flags().BoolVar(&createRoles, "create-roles", false, "make the application's roles first (PostgreSQL)")
	config.Flags(c.Flags())
	return c
}

func migrate(ctx context.Context, cfg *config.Config, createRoles bool) error {
	if !cfg.Database.Postgres() {
		return db.Migrate(ctx, cfg.Database.SQLitePath(), "", schema.Files)
	}
	owner, application := cfg.Database.MigrateURL.Reveal(), cfg.Database.URL.Reveal()
	if owner == "" {
		return fmt.Errorf("set database.migrate_url (VEDETTE_DATABASE_MIGRATE_URL) to the role that owns the tables")
	}
	if createRoles {
		if err := db.CreateRoles(ctx, owner, db.RoleOf(application), db.PasswordOf(application)); err != nil {
			return err
		}
	}
	return db.Migrate(ctx, owner, db.RoleOf(application), schema.Files)
}

func openapiCommand() *cobra.Command {
	return &cobra.Command{
		Use: "openapi", Short: "Print the OpenAPI document of the API", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			document, err := app.Document()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.OutOrStdout(), string(document))
			return err
		},
	}
}
