package op

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette/vedette/internal/platform/fault"
)

// MaxUpload is how many bytes a request that uploads a file may have.
const MaxUpload = 4 << 20

// Upload is embedded in the input of an operation that takes a file, as the field "file" of a form (RFC 7578).
type Upload struct {
	RawBody []byte `contentType:"multipart/form-data"`
}

// Uploads says that the operation takes a form with a file; its input embeds Upload.
func (o Operation) Uploads() Operation {
	o.uploads = true
	return o
}

// form is the request body of an upload for the OpenAPI document.
func form() *huma.RequestBody {
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"multipart/form-data": {Schema: &huma.Schema{
		Type: "object", Required: []string{"file"},
		Properties: map[string]*huma.Schema{"file": {Type: "string", Format: "binary"}},
	}}}}
}

// File is the content of the field "file", which stays valid until the handler returns. Fault kind: invalid, at "file".
func (u Upload) File(ctx context.Context) ([]byte, error) {
	r, _ := ctx.Value(rawKey).(raw)
	kind, parameters, err := mime.ParseMediaType(r.ctx.Header("Content-Type"))
	if err != nil || kind != "multipart/form-data" || parameters["boundary"] == "" {
		return nil, fault.At("file", "required", "Send the file as the field file of a form (multipart/form-data).")
	}
	parts := multipart.NewReader(bytes.NewReader(u.RawBody), parameters["boundary"])
	var content []byte
	found := false
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fault.At("file", "invalid", "The form is broken; send it whole, each part behind its boundary.")
		}
		if part.FormName() != "file" || found {
			return nil, fault.At("file", "unknown_attribute", "The form has one field, file, once.")
		}
		if content, err = io.ReadAll(part); err != nil {
			return nil, fault.At("file", "invalid", "The form is broken; send it whole, each part behind its boundary.")
		}
		found = true
	}
	if !found {
		return nil, fault.At("file", "required", "Send the file as the field file of a form (multipart/form-data).")
	}
	return content, nil
}
