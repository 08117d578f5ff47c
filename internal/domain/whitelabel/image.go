package whitelabel

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"image"
	"image/jpeg"
	"image/png"
	"strings"

	"github.com/vedette/vedette/internal/platform/fault"
)

// bounds of an image that is uploaded.
type bounds struct{ bytes, side int }

var (
	logoBounds    = bounds{bytes: 512 << 10, side: 2048}
	faviconBounds = bounds{bytes: 128 << 10, side: 512}
)

// maxStored is how large an image may be after it was written anew.
const maxStored = 2 << 20

// readImage decodes a data URI (RFC 2397) with a PNG, a JPEG, or an ICO that holds PNGs, and writes the picture anew as PNG, so that
// nothing but its pixels is kept. Fault kind: invalid, at pointer.
func readImage(uri, pointer string, b bounds) ([]byte, error) {
	head, data, found := strings.Cut(uri, ",")
	if !found || !strings.HasPrefix(head, "data:image/") || !strings.HasSuffix(head, ";base64") {
		return nil, fault.At(pointer, "invalid", "Send the image as data URI, data:image/png;base64,…; a PNG, a JPEG, or an ICO that holds PNGs.")
	}
	if base64.StdEncoding.DecodedLen(len(data)) > b.bytes+2 {
		return nil, fault.At(pointer, "too_large", "The image is at most %d KiB large.", b.bytes>>10)
	}
	raw, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return nil, fault.At(pointer, "invalid", "What follows base64, in the data URI is no base64.")
	}
	return recode(raw, pointer, b)
}

func recode(raw []byte, pointer string, b bounds) ([]byte, error) {
	config, decode, ok := recognise(raw)
	if !ok {
		return nil, fault.At(pointer, "invalid", "This is no image that can be read; send a PNG, a JPEG, or an ICO that holds PNGs.")
	}
	if config.Width < 1 || config.Height < 1 || config.Width > b.side || config.Height > b.side {
		return nil, fault.At(pointer, "too_large", "The image is %d by %d pixels; it is at most %d by %d.", config.Width, config.Height, b.side, b.side)
	}
	picture, err := decode()
	if err != nil {
		return nil, fault.At(pointer, "invalid", "The image is damaged and can't be read to its end.")
	}
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil || out.Len() > maxStored {
		return nil, fault.At(pointer, "too_large", "The image takes more than %d MiB as PNG; make it smaller.", maxStored>>20)
	}
	return out.Bytes(), nil
}

// recognise tells the size of an image before its pixels are read, and how to read them.
func recognise(raw []byte) (image.Config, func() (image.Image, error), bool) {
	if inner, ok := largestIcon(raw); ok {
		raw = inner
	}
	if c, err := png.DecodeConfig(bytes.NewReader(raw)); err == nil {
		return c, func() (image.Image, error) { return png.Decode(bytes.NewReader(raw)) }, true
	}
	if c, err := jpeg.DecodeConfig(bytes.NewReader(raw)); err == nil {
		return c, func() (image.Image, error) { return jpeg.Decode(bytes.NewReader(raw)) }, true
	}
	return image.Config{}, nil, false
}

// largestIcon is the largest image within an ICO: a head of 6 bytes, then 16 for each image, with its length and its place.
func largestIcon(raw []byte) ([]byte, bool) {
	const head, entry, most = 6, 16, 64
	if len(raw) < head || !bytes.HasPrefix(raw, []byte{0, 0, 1, 0}) {
		return nil, false
	}
	n := int(binary.LittleEndian.Uint16(raw[4:]))
	if n < 1 || n > most || len(raw) < head+n*entry {
		return nil, false
	}
	var largest []byte
	for i := range n {
		e := raw[head+i*entry:]
		length, at := uint64(binary.LittleEndian.Uint32(e[8:])), uint64(binary.LittleEndian.Uint32(e[12:]))
		if at+length > uint64(len(raw)) || length <= uint64(len(largest)) {
			continue
		}
		if picture := raw[at : at+length]; bytes.HasPrefix(picture, []byte("\x89PNG")) {
			largest = picture
		}
	}
	return largest, largest != nil
}
