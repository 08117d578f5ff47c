package collection

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
)

func (r *intake) zip(name string) error {
	z, err := zip.OpenReader(name)
	if err != nil {
		return err
	}
	defer z.Close()
	for _, f := range z.File {
		if f.FileInfo().IsDir() {
			continue
		}
		ok, err := r.take(f.Name, f.Mode(), int64(min(f.UncompressedSize64, maxFile+1)))
		if err != nil {
			return err
		}
		if ok {
			if err := r.zipped(f); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *intake) zipped(f *zip.File) error {
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	return r.add(f.Name, in)
}

// maxUnpacked bounds what a tar archive may unpack to, files that are passed over included.
const maxUnpacked = 4 << 30

func (r *intake) tar(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	in := bufio.NewReader(f)
	var from io.Reader = in
	if magic, _ := in.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		if from, err = gzip.NewReader(in); err != nil {
			return err
		}
	}
	limited := &io.LimitedReader{R: from, N: maxUnpacked}
	for t := tar.NewReader(limited); ; {
		h, err := t.Next()
		switch {
		case limited.N <= 0:
			return errBounds
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case h.Typeflag == tar.TypeDir || h.Typeflag == tar.TypeXGlobalHeader:
			continue
		}
		mode := h.FileInfo().Mode()
		if h.Typeflag == tar.TypeLink {
			mode |= fs.ModeSymlink // a hard link names another file all the same
		}
		entry := h.Name
		if clean := path.Clean(entry); "./"+clean == entry {
			entry = clean
		}
		ok, err := r.take(entry, mode, h.Size)
		if err != nil {
			return err
		}
		if ok {
			if err := r.add(entry, t); err != nil {
				return err
			}
		}
	}
}
