package demo

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/vedette/vedette/client"
)

// files are the documents that a customer hands on.
var files = []struct{ kind, format string }{{"attestation", "pdf"}, {"executive", "pdf"}, {"detailed", "pdf"}, {"remediation", "xlsx"}}

func documentNames() []string {
	var all []string
	for _, f := range files {
		all = append(all, f.kind+"."+f.format)
	}
	return all
}

const documentPatience = time.Minute

// documents has them made, waits, and saves them.
func (s *show) documents(ctx context.Context, r *run) error {
	ctx, cancel := context.WithTimeout(ctx, documentPatience)
	defer cancel()
	reports := s.shop.api.Reports
	for _, f := range files {
		if _, err := reports.Generate(ctx, r.history.ReportID, client.GenerateReportInput{Type: f.kind, Format: f.format}); err != nil {
			return fmt.Errorf("make the %s: %w", f.kind, err)
		}
	}
	s.say("\nDocuments:\n")
	for _, f := range files {
		if err := s.made(ctx, r.history.ReportID, f.kind, f.format); err != nil {
			return err
		}
		file, err := reports.Download(ctx, r.history.ReportID, client.DownloadReportQuery{Type: f.kind, Format: f.format})
		if err != nil {
			return fmt.Errorf("download the %s: %w", f.kind, err)
		}
		if err := s.save(file, f.kind+"."+f.format); err != nil {
			return err
		}
	}
	return nil
}

// made waits for a document.
func (s *show) made(ctx context.Context, report, kind, format string) error {
	for {
		file, err := s.shop.api.Reports.FileExists(ctx, report, client.ReportFileExistsQuery{Type: kind, Format: format})
		if err != nil {
			return fmt.Errorf("wait for the %s: %w", kind, err)
		}
		if file.Exists {
			return nil
		}
		if file.Error != "" {
			return fmt.Errorf("the %s was not made: %s", kind, file.Error)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the %s: %w", kind, ctx.Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (s *show) save(file *client.File, name string) error {
	defer file.Close()
	path := filepath.Join(s.Dir, name)
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	n, err := io.Copy(out, file)
	if err := out.Close(); err != nil {
		return err
	}
	if err != nil {
		return fmt.Errorf("save %s: %w", name, err)
	}
	s.say("  %-32s %7d bytes\n", path, n)
	return nil
}
