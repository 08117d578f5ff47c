// Command vedette-scanner is the scanner alone, for a site of its own: it dials out to a Vedette server, leases chunks
// of scans and sends back what it sees. It links no database.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/vedette/vedette/internal/engine"
	"github.com/vedette/vedette/internal/engine/collaborator"
	"github.com/vedette/vedette/internal/engine/template/collection"
	"github.com/vedette/vedette/internal/scanlink"
	"github.com/vedette/vedette/internal/scanlink/agent"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := rootCommand().ExecuteContext(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "vedette-scanner: %v\n", err)
		return 1
	}
	return 0
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use: "vedette-scanner", Short: "A scanner for a Vedette server", Version: version(), SilenceUsage: true, SilenceErrors: true,
	}
	var state string
	root.PersistentFlags().StringVar(&state, "state", "/var/lib/vedette-scanner", "directory of the scanner's identity, which holds its key")
	root.AddCommand(linkCommand(&state), runCommand(&state))
	return root
}

func linkCommand(state *string) *cobra.Command {
	var server, code, pin string
	c := &cobra.Command{
		Use:     "link --server URL --code CODE",
		Short:   "Make a key, trade a linking code for a certificate, and keep both",
		Example: "  vedette-scanner link --server https://vedette.example.org:8443 --code CODE",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := agent.Link(c.Context(), server, code, pin)
			if err != nil {
				return err
			}
			if err := s.Save(*state); err != nil {
				return fmt.Errorf("keep the scanner's identity: %w", err)
			}
			c.Printf("Linked as scanner %s. Start it with: vedette-scanner run --state %s\n", s.ScannerID, *state)
			return nil
		},
	}
	c.Flags().StringVar(&server, "server", "", "URL of the server's listener for scanners")
	c.Flags().StringVar(&code, "code", "", "linking code, as the server showed it")
	c.Flags().StringVar(&pin, "ca-pin", "", "SHA-256 of the server's authority (default: the one in the code)")
	for _, name := range []string{"server", "code"} {
		if err := c.MarkFlagRequired(name); err != nil {
			panic(err) // the flag is defined above
		}
	}
	return c
}

func runCommand(state *string) *cobra.Command {
	cfg := agent.Config{Version: version()}
	var memory int64
	var shelf collection.Shelf
	var calls string
	c := &cobra.Command{
		Use:   "run",
		Short: "Work for the server until told to end",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := agent.Load(*state)
			if err != nil {
				return err
			}
			s.Apply(&cfg, *state)
			cfg.MemoryLimit = memory << 20
			hears, err := collaborator.Open(c.Context(), calls)
			if err != nil {
				return fmt.Errorf("--collaborator: %w", err)
			}
			defer hears.Close()
			cfg.Engine = func(ctx context.Context, plan scanlink.Plan, emit func(scanlink.Observation)) error {
				templates, err := shelf.For(plan.Templates)
				if err != nil {
					slog.WarnContext(ctx, "the imported templates of the run can't be used", slog.Any("error", err))
				}
				return engine.Run(ctx, plan, engine.Options{Templates: templates, Collaborator: hears}, emit)
			}
			cfg.TemplateVersion = shelf.Version
			slog.Info("scanner started", "server", s.Server, "scanner", s.ScannerID)
			err = agent.Run(c.Context(), cfg)
			if errors.Is(err, agent.ErrUnknown) {
				slog.Error("the server does not know this scanner any more")
			}
			return err
		},
	}
	c.Flags().IntVar(&cfg.Parallel, "parallel", 64, "most parts of scans at the same time on this machine; the scanner's max_concurrency on the server holds besides")
	c.Flags().StringVar(&shelf.Dir, "templates", "", "folder of the .templates files that vedette feed import --templates made; the newest is run")
	c.Flags().StringVar(&calls, "collaborator", "", "hear at this address what targets are made to call: ADDRESS[:PORT] or ADDRESS,zone=DOMAIN, and public=, dns=, ports= (default: templates that need it are not run)")
	c.Flags().Int64Var(&memory, "memory", 512, "memory to stay under, in MiB; at one and a half times that the scanner ends itself")
	return c
}

// version of the module that this program was built from.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "devel"
}
