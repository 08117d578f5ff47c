package api

import (
	"net/http"

	"github.com/vedette/vedette/internal/api/docs"
)

// mountDocs serves the documentation page, which is made from the texts of docs/api and the OpenAPI document.
func mountDocs(mux *http.ServeMux, document []byte) {
	mux.HandleFunc("GET /docs", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/docs/", http.StatusMovedPermanently)
	})
	mux.Handle("GET /docs/", docs.Handler(document))
}

// serveDocument answers the OpenAPI document.
func serveDocument(document []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.oai.openapi+json;version=3.1")
		_, _ = w.Write(document) // the client is gone if this fails
	}
}
