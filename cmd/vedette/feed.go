package main

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/vedette/vedette/internal/app"
	"github.com/vedette/vedette/internal/domain/feed"
	"github.com/vedette/vedette/internal/platform/config"
)

func feedCommand() *cobra.Command {
	c := &cobra.Command{Use: "feed", Short: "What is known of vulnerabilities: sync, import, status"}
	c.AddCommand(withTemplates(feedImportCommand()), feedStatusCommand(), feedSyncCommand(), feedUseCommand(), feedPackCommand(), feedInstallCommand(), feedKeyCommand())
	return c
}

func feedImportCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "import FILE|FOLDER…", Short: "Make a new version of the knowledge from files", Args: cobra.MinimumNArgs(1),
		Long: `Recognises files by their content: NVD JSON 2.0, CISA KEV, FIRST EPSS, endoflife release cycles, fixes
of Debian, Ubuntu, Red Hat (CSAF) and Alpine Linux, and OSV records about packages of distributions. The new
version holds what they say over what the newest version says. A running server takes it within half a minute.`,
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := config.Load(c.Flags())
			if err != nil {
				return err
			}
			base, err := app.Newest(cfg.Feed.Dir)
			if err != nil {
				return err
			}
			defer base.Close()
			r, err := feed.Import(c.Context(), cfg.Feed.Dir, args, base)
			if err != nil {
				return err
			}
			return tell(c.OutOrStdout(), r)
		},
	}
	config.Flags(c.Flags())
	return c
}

func feedStatusCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "status", Short: "Tell which versions there are and how old they are", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := config.Load(c.Flags())
			if err != nil {
				return err
			}
			files, err := filepath.Glob(filepath.Join(cfg.Feed.Dir, "*"+feed.Suffix))
			if err != nil {
				return err
			}
			all := []feed.Info{feed.Starter().Info()}
			for _, file := range files {
				k, err := feed.Open(file)
				if err != nil {
					return fmt.Errorf("%s: %w", file, err)
				}
				all = append(all, k.Info())
				_ = k.Close() // it was only read
			}
			return tell(c.OutOrStdout(), all)
		},
	}
	config.Flags(c.Flags())
	return c
}

func tell(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
