package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/vedette/vedette/internal/oneshot"
)

// exit ends the program with a code, saying nothing more.
type exit int

func (exit) Error() string { return "" }

// ExitCode of the program.
func (e exit) ExitCode() int { return int(e) }

func scanCommand() *cobra.Command {
	var o oneshot.Options
	c := &cobra.Command{
		Use:   "scan [flags] TARGET…",
		Short: "Scan targets now, without a server or database",
		Long: `Scans addresses, networks, ranges, host names and URLs, and judges what is found.

Targets: 192.0.2.1  2001:db8::1  192.0.2.0/24  192.0.2.1-192.0.2.9  192.0.2.1-9  www.example.org  https://www.example.org/shop

Exit codes: 0 clean · 1 a vulnerability fails PCI, or a host could not be looked at fully (with --baseline: only when
that is new) · 2 bad usage, no target, or an error on a target (the others' results are written) · 130 interrupted
with a partial result.`,
		Example: `  vedette scan 192.0.2.10
  vedette scan --profile pci --format pdf --output report.pdf 192.0.2.0/28 shop.example.org
  vedette scan --format json --baseline last-week.json --output today.json --targets-file hosts.txt`,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(c *cobra.Command, args []string) error {
			o.Targets = args
			ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			defer context.AfterFunc(ctx, stop)() // a second signal ends at once
			code := oneshot.Run(ctx, o, oneshot.Streams{
				In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
				OutTerminal: isatty.IsTerminal(os.Stdout.Fd()), ErrTerminal: isatty.IsTerminal(os.Stderr.Fd()),
			})
			if code != oneshot.ExitClean {
				return exit(code)
			}
			return nil
		},
	}
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		c.PrintErrf("vedette scan: %v\nSee vedette scan --help.\n", err)
		return exit(oneshot.ExitError)
	})
	f := c.Flags()
	f.StringVar(&o.Profile, "profile", "full", "what to look at: discovery, pci, full, fast, web or penetration")
	f.StringVar(&o.Ports, "ports", "", "ports, as T:1-1024,8080,U:53,161 (default: the profile's)")
	f.StringArrayVar(&o.Exclude, "exclude", nil, "target to leave out; may be given several times")
	f.StringVar(&o.TargetsFile, "targets-file", "", "file with one target a line; - is standard input")
	f.IntVar(&o.Rate, "rate", 0, "most probes a second in total (default: the profile's)")
	f.StringVar(&o.Feed, "feed", "", "folder or file of vulnerability data: NVD, KEV, EPSS, endoflife, Debian, Ubuntu, Red Hat, Alpine, OSV (default: a small set inside the program)")
	f.StringVar(&o.Templates, "templates", "", "folder or archive of templates in the nuclei format, or a stored .templates file, to run besides the program's own")
	f.StringVar(&o.Collaborator, "collaborator", "", "hear at this address what targets are made to call: ADDRESS[:PORT] or ADDRESS,zone=DOMAIN, and public=, dns=, ports= (default: templates that need it are not run)")
	f.StringVar(&o.Trust, "trust", "", "PEM file of certificate authorities to trust besides the machine's own")
	f.StringVar(&o.Credentials, "credentials", "", "YAML or JSON file of logins by kind (ssh, smb, snmp, http, esxi), readable by its owner alone; - is standard input")
	f.StringVar(&o.Baseline, "baseline", "", "earlier JSON result: exit with 1 only for what is new since")
	f.StringVar(&o.Format, "format", "table", "table, json, html, pdf or sarif")
	f.StringVar(&o.Output, "output", "", "file for the result (default: standard output)")
	return c
}
