package web

import (
	"regexp"
	"strings"

	"github.com/vedette/vedette/internal/engine/web/httpwire"
)

var (
	passwdLine = regexp.MustCompile(`root:[^:\s]{0,100}:0:0:[^:]*:[^:]*:`)
	phpSource  = regexp.MustCompile(`PD9(?:waHA|Cg|gI)[A-Za-z0-9+/]{40,}`) // <?php in base64
	winINI     = regexp.MustCompile(`(?i)\[fonts\]|; for 16-bit app support`)
)

// traverse looks for a well-known file in the answer: directory traversal and file inclusion.
func (s *scan) traverse(sp spot, usual *httpwire.Response) bool {
	if passwdLine.Match(usual.Body) || winINI.Match(usual.Body) {
		return false
	}
	up := strings.Repeat("../", 12)
	values := []string{
		up + "etc/passwd", "/etc/passwd", "file:///etc/passwd", strings.Repeat("....//", 12) + "etc/passwd", up + "etc/passwd\x00",
		strings.ReplaceAll(up, "/", "%2f") + "etc%2fpasswd", strings.Repeat(`..\`, 12) + `windows\win.ini`, `c:\windows\win.ini`,
	}
	if v := sp.value(); strings.Contains(v, "/") {
		values = append(values, v[:strings.LastIndexByte(v, '/')+1]+up+"etc/passwd")
	}
	if at := strings.LastIndexByte(sp.value(), '.'); at > 0 {
		values = append(values, up+"etc/passwd\x00"+sp.value()[at:])
	}
	for _, name := range []string{sp.value(), "index.php", "index"} { // the last where a suffix is added
		values = append(values, "php://filter/convert.base64-encode/resource="+name)
	}
	for _, v := range values {
		r := s.send(sp, v)
		if r == nil {
			continue
		}
		shown := passwdLine.FindString(string(r.Body))
		switch {
		case strings.Contains(v, "win"):
			shown = winINI.FindString(string(r.Body))
		case strings.HasPrefix(v, "php:"):
			shown = phpSource.FindString(string(r.Body))
		}
		if shown != "" {
			s.report(s.found("web.lfi", "web-file-inclusion", sp.where(), 99, r, shown, "The parameter "+sp.name()+" names a file of the system, which is shown."))
			return true
		}
	}
	return false
}

// traversePath leaves a folder through the path itself, in the ways that servers forget to undo.
func (s *scan) traversePath(folder string) {
	for _, up := range []string{"../", "%2e%2e/", "..%2f", "%2e%2e%2f", "..%252f", `..\`, "..%5c", "....//"} {
		r, err := s.get(folder + strings.Repeat(up, 10) + "etc/passwd")
		if err != nil || r.Status != 200 {
			continue
		}
		if shown := passwdLine.FindString(string(r.Body)); shown != "" {
			if none, err := s.get(folder + randomName(12)); err != nil || passwdLine.Match(none.Body) {
				return
			}
			s.report(s.found("web.lfi", "web-path-traversal", folder, 99, r, shown, "A path with "+up+" leaves the folder "+folder+" and shows a file of the system."))
			return
		}
	}
}

// writeFolders are asked besides the folders found: places where servers allow writing.
var writeFolders = []string{"/", "/uploads/", "/upload/", "/webdav/", "/dav/", "/files/", "/public/"}

// tryWriting stores a harmless text by PUT, reads it back and removes it.
func (s *scan) tryWriting() {
	folders := append([]string{}, writeFolders...)
	for _, f := range s.site.folders {
		if len(folders) < 40 && !strings.Contains(strings.Join(writeFolders, " "), f) {
			folders = append(folders, f)
		}
	}
	each(s, folders, func(folder string) {
		target := folder + "vedette-" + randomName(10) + ".txt"
		text := "written by a security scan, to be removed: " + randomName(16)
		r, err := s.client.Do(&httpwire.Request{Method: "PUT", Target: target, Header: []httpwire.Field{{Name: "Content-Type", Value: "text/plain"}}, Body: []byte(text)})
		if err != nil || r.Status != 200 && r.Status != 201 && r.Status != 204 {
			return
		}
		back, err := s.get(target)
		stored := err == nil && back.Status == 200 && string(back.Body) == text
		removed := s.remove(target)
		if !stored {
			return
		}
		detail := "Anybody may store files in " + folder + " by PUT; the file was read back"
		if removed {
			detail += " and removed."
		} else {
			detail += ". It could not be removed again: " + target
		}
		f := s.found("web.webdav-put", "web-put", folder, 99, r, "", detail)
		s.report(f)
	})
}

func (s *scan) remove(target string) bool {
	if _, err := s.client.Do(&httpwire.Request{Method: "DELETE", Target: target}); err != nil {
		return false
	}
	r, err := s.get(target)
	return err == nil && (r.Status == 404 || r.Status == 410)
}
