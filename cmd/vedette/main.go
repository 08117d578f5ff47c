// Command vedette is the whole service in one binary: the server with its API, the scanner, and the tools of its operator.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

func main() {
	root := &cobra.Command{
		Use: "vedette", Short: "Vulnerability scanning and PCI compliance", SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.AddCommand(serveCommand(), scanCommand(), scannerCommand(), feedCommand(), migrateCommand(), openapiCommand(), demoCommand(), adminCommand())
	if err := root.ExecuteContext(context.Background()); err != nil {
		var code interface{ ExitCode() int }
		if errors.As(err, &code) {
			os.Exit(code.ExitCode())
		}
		fmt.Fprintln(os.Stderr, "vedette:", err)
		os.Exit(1)
	}
}
