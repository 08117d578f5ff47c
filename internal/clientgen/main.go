// Command clientgen makes the Go client of the API from its OpenAPI document. It knows this API's conventions (resources wrapped in
// data, lists with pages, attributes wrapped in their noun) and nothing more general.
//
// Names come from what never changes: operation ids, tags and schema names. So a further operation adds names and alters none.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	document := flag.String("document", "api/openapi.json", "OpenAPI document to read")
	directory := flag.String("directory", "client", "package to write into")
	flag.Parse()
	if err := run(*document, *directory); err != nil {
		fmt.Fprintln(os.Stderr, "clientgen:", err)
		os.Exit(1)
	}
}

func run(document, directory string) error {
	raw, err := os.ReadFile(document)
	if err != nil {
		return err
	}
	files, err := generate(raw)
	if err != nil {
		return fmt.Errorf("%s: %w", document, err)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(directory, name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
