package web

import (
	"bytes"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/engine/web/httpwire"
)

const maxAliases = 20

// diskNames are names that folders of files often have on disk, whatever they are called in URLs.
var diskNames = []string{"static", "assets", "public", "media", "files", "uploads", "images", "img", "html", "www", "dist", "build", "data", "css", "js"}

// leaveAliases looks for folders that are mapped to another with a slash at the end of one name and not of the other,
// as nginx does with "location /a { alias /b/; }": /a../ is then /b/../.
func (s *scan) leaveAliases() {
	var folders []string
	for _, f := range s.site.folders {
		if f != "/" && len(folders) < maxAliases && !strings.Contains(f, "..") {
			folders = append(folders, strings.TrimSuffix(f, "/"))
		}
	}
	each(s, folders, func(folder string) {
		if !s.sameThroughParent(folder) {
			s.parentIsFolder(folder)
		}
	})
}

// sameThroughParent reads a file of the folder once more by way of the parent. The name of the folder on disk is not
// known; usual ones are tried.
func (s *scan) sameThroughParent(folder string) bool {
	file := s.fileIn(folder + "/")
	if file == "" {
		return false
	}
	plain, err := s.get(file)
	if err != nil || plain.Status != 200 || len(plain.Body) < 16 {
		return false
	}
	same := func(target string) *httpwire.Response {
		r, err := s.get(target)
		if err != nil || r.Status != 200 || !bytes.Equal(r.Body, plain.Body) {
			return nil
		}
		return r
	}
	own := path.Base(folder)
	rest := strings.TrimPrefix(file, folder)
	for _, name := range append([]string{own}, slices.DeleteFunc(slices.Clone(diskNames), func(n string) bool { return n == own })...) {
		through := same(folder + "../" + name + rest)
		if through == nil {
			continue
		}
		// A server that ignores what stands there would answer so to any name.
		if same(folder+randomName(6)+"../"+name+rest) != nil || same(folder+"../"+randomName(8)+rest) != nil {
			return false
		}
		s.report(s.found("web.lfi", "web-alias-traversal", folder+"../", 98, through, "",
			"The path "+folder+"../ leaves the folder on disk: the file "+file+" is also at "+folder+"../"+name+rest+", as are those beside the folder."))
		return true
	}
	return false
}

// fileIn is a file of the folder that the crawler knows.
func (s *scan) fileIn(folder string) string {
	for _, f := range s.site.files {
		if rest, ok := strings.CutPrefix(f, folder); ok && path.Ext(rest) != "" {
			return f
		}
	}
	return ""
}

// parentIsFolder takes the server's word: it sends the parent's name on to the same with a slash, which it does with
// folders, and knows neither the folder under another name nor another file beside it.
func (s *scan) parentIsFolder(folder string) {
	parent, err := s.get(folder + "..")
	if err != nil || !addsSlash(parent) {
		return
	}
	inside, err := s.get(folder + "../")
	if err != nil || inside.Status != 403 && isListing(inside) == "" {
		return
	}
	for _, other := range []string{folder + randomName(6) + "..", folder + "../" + randomName(8), folder + "." + randomName(2)} {
		if r, err := s.get(other); err != nil || r.Status != 404 {
			return
		}
	}
	s.report(s.found("web.lfi", "web-alias-traversal", folder+"../", 96, parent, "Location",
		"The path "+folder+"../ leaves the folder on disk: the server takes it for the folder above, whose files can be read by their names."))
}

// addsSlash says that an answer redirects to its own path with a slash at the end.
func addsSlash(r *httpwire.Response) bool {
	u, err := url.Parse(r.Header.Get("Location"))
	return err == nil && (r.Status == 301 || r.Status == 302 || r.Status == 308) && u.EscapedPath() == r.Target+"/"
}
