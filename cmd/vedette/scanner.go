package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/vedette/vedette/internal/engine"
	"github.com/vedette/vedette/internal/engine/collaborator"
	"github.com/vedette/vedette/internal/engine/template/collection"
	"github.com/vedette/vedette/internal/scanlink"
	"github.com/vedette/vedette/internal/scanlink/agent"
	"github.com/vedette/vedette/internal/scanlink/child"
)

func scannerCommand() *cobra.Command {
	var embedded bool
	c := &cobra.Command{
		Use:           "scanner --embedded",
		Short:         "Run as the scanner of a server on this machine (the server starts this itself)",
		Long:          "Reads one line of configuration from standard input and works until that is closed. For a scanner on another machine there is vedette-scanner.",
		Args:          cobra.NoArgs,
		Hidden:        true,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(c *cobra.Command, _ []string) error {
			if !embedded {
				return errors.New("this command is started by the server; on another machine use vedette-scanner")
			}
			return embeddedScanner(c.Context())
		},
	}
	c.Flags().BoolVar(&embedded, "embedded", false, "read the configuration from standard input")
	return c
}

// embeddedScanner works until the parent is gone or asks for an end. Its log is JSON on standard error, which the
// parent reads.
func embeddedScanner(ctx context.Context) error {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, nil)))
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	cfg, ctx, err := child.ReadConfig(ctx, os.Stdin)
	if err != nil {
		return err
	}
	hears, err := collaborator.Open(ctx, cfg.Collaborator)
	if err != nil {
		slog.ErrorContext(ctx, "scanner.collaborator can't be used; templates that need it are not run", slog.Any("error", err))
	}
	defer hears.Close()
	shelf := &collection.Shelf{Dir: cfg.Templates}
	cfg.Engine = func(ctx context.Context, plan scanlink.Plan, emit func(scanlink.Observation)) error {
		templates, err := shelf.For(plan.Templates)
		if err != nil {
			slog.WarnContext(ctx, "the imported templates of the run can't be used", slog.Any("error", err))
		}
		return engine.Run(ctx, plan, engine.Options{Templates: templates, Collaborator: hears}, emit)
	}
	cfg.TemplateVersion = shelf.Version
	return agent.Run(ctx, cfg)
}
