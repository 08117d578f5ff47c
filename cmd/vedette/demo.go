package main

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/vedette/vedette/internal/demo"
)

func demoCommand() *cobra.Command {
	o := demo.Options{Out: os.Stdout, Terminal: isatty.IsTerminal(os.Stdout.Fd())}
	c := &cobra.Command{
		Use: "demo", Short: "Show a whole service with real servers to find faults in", Args: cobra.NoArgs,
		Long: `Starts nginx, sshd, Redis and PostgreSQL with faults on loopback addresses of their own, and the service with SQLite;
then makes a customer, scans, prints what was found and saves the documents. Everything ends with it.`,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if o.Executable, err = os.Executable(); err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
			defer stop()
			return demo.Run(ctx, o)
		},
	}
	c.Flags().StringVar(&o.Dir, "dir", "demo", "folder for the database and the documents")
	c.Flags().BoolVar(&o.Exit, "exit", false, "stop everything at the end instead of leaving the service running")
	return c
}
