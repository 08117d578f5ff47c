package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/vedette/vedette/internal/app"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/config"
)

func adminCommand() *cobra.Command {
	c := &cobra.Command{Use: "admin", Short: "The operator's tools: backup, restore, accounts, keys, audit",
		Long: `Works on the database of the configuration, beside a running server (restore: without one). What it changes
stands in the audit trail with the account of the operating system that ran it.`}
	audit := &cobra.Command{Use: "audit", Short: "The audit trail"}
	audit.AddCommand(auditVerifyCommand())
	c.AddCommand(backupCommand(), restoreCommand(), createOperatorCommand(), unlockCommand(), resetMFACommand(), rotateKeyCommand(), audit)
	return c
}

// configured completes a command that works with the configuration.
func configured(c *cobra.Command, run func(ctx context.Context, cfg *config.Config, out io.Writer, args []string) error) *cobra.Command {
	c.RunE = func(c *cobra.Command, args []string) error {
		cfg, err := config.Load(c.Flags())
		if err != nil {
			return err
		}
		ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		return run(ctx, cfg, c.OutOrStdout(), args)
	}
	config.Flags(c.Flags())
	return c
}

// opened completes a command that works on the database.
func opened(c *cobra.Command, run func(ctx context.Context, a *app.Admin, out io.Writer, args []string) error) *cobra.Command {
	return configured(c, func(ctx context.Context, cfg *config.Config, out io.Writer, args []string) error {
		a, err := app.OpenAdmin(ctx, cfg, &clock.Clock{})
		if err != nil {
			return err
		}
		return errors.Join(run(ctx, a, out, args), a.Close())
	})
}

func backupCommand() *cobra.Command {
	return opened(&cobra.Command{
		Use: "backup FILE", Short: "Write all that the service keeps into one tar.gz", Args: cobra.ExactArgs(1),
		Long: `On SQLite: a copy of the database of one instant, report documents, knowledge and the sealing key; the server may
run. On PostgreSQL: all but the database; take that first, with pg_dump as a role that row security does not bind:
  pg_dump --format=custom --file=vedette.dump vedette
Whoever has the file has the secrets in it: encrypt it where it is kept.`,
	}, func(ctx context.Context, a *app.Admin, out io.Writer, args []string) error {
		done, err := backup(ctx, a, args[0])
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s holds %d files, %d bytes before compression.\n", args[0], done.Files, done.Bytes)
		if !done.Database {
			fmt.Fprintln(out, "The database is not in it: take it with pg_dump, before this, and keep the two together.")
		}
		if !done.Key {
			fmt.Fprintln(out, "The sealing key is not in it, for it stands in the configuration (secret.key): keep that, too.")
		}
		return nil
	})
}

// backup writes beside the file and renames, so that what is there is whole.
func backup(ctx context.Context, a *app.Admin, file string) (app.BackedUp, error) {
	draft, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-*") // made with mode 0600
	if err != nil {
		return app.BackedUp{}, err
	}
	defer os.Remove(draft.Name()) // gone already once it was renamed
	done, err := a.Backup(ctx, draft)
	if err := errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return done, err
	}
	return done, os.Rename(draft.Name(), file)
}

func restoreCommand() *cobra.Command {
	return configured(&cobra.Command{
		Use: "restore FILE", Short: "Put a backup in its places, and keep it from doing anything twice", Args: cobra.ExactArgs(1),
		Long: `Without a running server. On SQLite where no database is yet. On PostgreSQL first make the roles (vedette migrate
--create-roles) and bring the database back with pg_restore, then this.
What waited in the backup was done since: mails, text messages, webhooks and scheduled starts that waited are dropped,
schedules go on with their next firing, running scans are stopped, all sign-ins and links in mails end. Access tokens and
API keys that were revoked since the backup work again: revoke them anew.`,
	}, func(ctx context.Context, cfg *config.Config, out io.Writer, args []string) error {
		in, err := os.Open(args[0])
		if err != nil {
			return err
		}
		defer in.Close()
		r, err := app.Restore(ctx, cfg, in, &clock.Clock{})
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "Restored as of %s.\nNot done a second time: jobs dropped: %s; %d schedules passed over; %d runs stopped; %d sign-ins and %d links ended.\n",
			r.Manifest.CreatedAt, inWords(r.Jobs), r.Schedules, r.Runs, r.Sessions, r.Links)
		fmt.Fprintln(out, "Access tokens and API keys that were revoked since then work again: revoke them anew. Whoever waits for a link needs another.")
		return nil
	})
}

// inWords tells counts by name.
func inWords(all map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		parts = append(parts, fmt.Sprintf("%d %s", all[name], name))
	}
	if parts == nil {
		return "none"
	}
	return strings.Join(parts, ", ")
}

func createOperatorCommand() *cobra.Command {
	var email string
	var fromInput bool
	c := opened(&cobra.Command{
		Use: "create-operator NAME", Short: "Make another operator's account", Args: cobra.ExactArgs(1),
		Long: "Prints a password that it makes up, once; with --password-stdin it takes the first line of its input.",
	}, func(ctx context.Context, a *app.Admin, out io.Writer, args []string) error {
		password := ""
		if fromInput {
			line, err := io.ReadAll(io.LimitReader(os.Stdin, 4<<10))
			if err != nil {
				return err
			}
			if password, _, _ = strings.Cut(string(line), "\n"); password == "" {
				return errors.New("there is no password on the standard input")
			}
		}
		made, err := a.CreateOperator(ctx, args[0], email, strings.TrimSuffix(password, "\r"))
		if err != nil {
			return err
		}
		if made != "" {
			fmt.Fprintf(out, "password  %s   (shown this once; change it after signing in)\n", made)
		}
		return nil
	})
	c.Flags().StringVar(&email, "email", "", "e-mail address of the account (default: its name)")
	c.Flags().BoolVar(&fromInput, "password-stdin", false, "read the password from the standard input")
	return c
}

func unlockCommand() *cobra.Command {
	return opened(&cobra.Command{
		Use: "unlock USER", Short: "Let a user sign in at once who was locked or waits after wrong passwords", Args: cobra.ExactArgs(1),
	}, func(ctx context.Context, a *app.Admin, _ io.Writer, args []string) error {
		return a.Unlock(ctx, args[0])
	})
}

func resetMFACommand() *cobra.Command {
	return opened(&cobra.Command{
		Use: "reset-mfa USER", Short: "Take the second factors of a user who lost them all", Args: cobra.ExactArgs(1),
		Long: "Ends the user's sign-ins, and tells the user by mail. Make sure first who asks for it.",
	}, func(ctx context.Context, a *app.Admin, _ io.Writer, args []string) error {
		return a.ResetMFA(ctx, args[0])
	})
}

func rotateKeyCommand() *cobra.Command {
	return opened(&cobra.Command{
		Use: "rotate-key", Short: "Seal anew what an older key has sealed", Args: cobra.NoArgs,
		Long: `Give every server the new key as secret.key and the former one in secret.old_keys, and start it again; then run this;
then take the former key out. It may be broken off and run again.`,
	}, func(ctx context.Context, a *app.Admin, out io.Writer, _ []string) error {
		r, err := a.RotateKey(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "Key %s. Sealed anew: %s.\n", r.Key, inWords(r.Resealed))
		if len(r.Lost) > 0 {
			return fmt.Errorf("no configured key opens: %s; is a former key missing in secret.old_keys?", inWords(r.Lost))
		}
		return nil
	})
}

func auditVerifyCommand() *cobra.Command {
	return opened(&cobra.Command{
		Use: "verify", Short: "Walk the chain of hashes of every organization's audit trail", Args: cobra.NoArgs,
	}, func(ctx context.Context, a *app.Admin, out io.Writer, _ []string) error {
		n, broken, err := a.VerifyAudit(ctx)
		if err != nil {
			return err
		}
		for _, b := range broken {
			what := "was changed, or does not follow the one before it"
			if b.Missing {
				what = "is missing"
			}
			fmt.Fprintf(out, "organization %s: event %d %s\n", b.Organization, b.Sequence, what)
		}
		if len(broken) > 0 {
			return fmt.Errorf("%d of %d audit trails are broken", len(broken), n)
		}
		fmt.Fprintf(out, "%d audit trails are whole.\n", n)
		return nil
	})
}
