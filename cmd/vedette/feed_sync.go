package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/vedette/vedette/internal/app"
	"github.com/vedette/vedette/internal/domain/feed/bundle"
	"github.com/vedette/vedette/internal/platform/config"
)

func feedSyncCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "sync", Short: "Fetch what has changed of feed.sources and make a new version", Args: cobra.NoArgs,
		Long: `Fetches over HTTPS only what has changed, takes up what broke off, holds NVD's files against their published hashes and
bundles against feed.trusted_keys. A feed that fails keeps its old copy; the exit code is then 1.`,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := config.Load(c.Flags())
			if err != nil {
				return err
			}
			r, err := app.SyncFeeds(c.Context(), cfg.Feed)
			if err := errors.Join(tell(c.OutOrStdout(), r), err); err != nil {
				return err
			}
			if n := r.Failed(); n > 0 {
				return fmt.Errorf("%d of %d feeds could not be brought up to date", n, len(r.Feeds))
			}
			return nil
		},
	}
	config.Flags(c.Flags())
	return c
}

func feedInstallCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "install BUNDLE", Short: "Check a signed bundle and put its version in force", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := config.Load(c.Flags())
			if err != nil {
				return err
			}
			trusted, err := bundle.ParsePublic(cfg.Feed.TrustedKeys)
			if err != nil {
				return err
			}
			m, err := app.InstallBundle(cfg.Feed.Dir, args[0], trusted)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			return tell(c.OutOrStdout(), m)
		},
	}
	config.Flags(c.Flags())
	return c
}

func feedUseCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "use VERSION", Short: "Put an older version in force again", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := config.Load(c.Flags())
			if err != nil {
				return err
			}
			return app.UseVersion(cfg.Feed.Dir, args[0])
		},
	}
	config.Flags(c.Flags())
	return c
}

func feedPackCommand() *cobra.Command {
	var key, output string
	c := &cobra.Command{
		Use: "pack", Short: "Write the version in force as a signed bundle", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := config.Load(c.Flags())
			if err != nil {
				return err
			}
			text, err := os.ReadFile(key)
			if err != nil {
				return err
			}
			private, err := bundle.ParseKey(text)
			if err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
			path, info, err := app.NewestFile(cfg.Feed.Dir)
			if err != nil {
				return err
			}
			out, err := os.Create(output)
			if err != nil {
				return err
			}
			m, err := bundle.Pack(out, path, info.Version, info.Date, private)
			if err := errors.Join(err, out.Close()); err != nil {
				return err
			}
			return tell(c.OutOrStdout(), m)
		},
	}
	c.Flags().StringVar(&key, "key", "", "PEM file with the Ed25519 key that signs")
	c.Flags().StringVar(&output, "output", "vedette-feed.bundle", "file to write")
	_ = c.MarkFlagRequired("key") // the flag exists
	config.Flags(c.Flags())
	return c
}

func feedKeyCommand() *cobra.Command {
	var output string
	c := &cobra.Command{
		Use: "key", Short: "Make a key that signs bundles, and print what others trust it by", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			text, public, err := bundle.NewKey()
			if err != nil {
				return err
			}
			f, err := os.OpenFile(output, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
			if err != nil {
				return err
			}
			_, err = f.Write(text)
			if err := errors.Join(err, f.Close()); err != nil {
				return err
			}
			return tell(c.OutOrStdout(), map[string]string{"key": output, "trusted_key": bundle.PublicText(public)})
		},
	}
	c.Flags().StringVar(&output, "output", "vedette-feed.pem", "file to write; it must not exist")
	return c
}
