package view

import (
	"encoding/base64"
	"strings"
)

// What may be saved from the page, and what may be seen on it. Anything that a browser would run is in neither: HTML, SVG, XML.
var (
	savable = map[string]string{"application/pdf": ".pdf", "image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/tiff": ".tif",
		"text/plain": ".txt", "text/rtf": ".rtf", "application/rtf": ".rtf", "application/dicom": ".dcm",
		"application/msword": ".doc", "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx"}
	visible = map[string]bool{"image/png": true, "image/jpeg": true, "image/gif": true}
)

// maxText is how much of an attached text stands on the page itself.
const maxText = 64 << 10

// attachment shows a text or a picture, and offers the rest to be saved. Nothing is loaded from an address.
func attachment(x object) cell {
	name := str(x["title"])
	media, _, _ := strings.Cut(strings.ToLower(str(x["contentType"])), ";")
	media = strings.TrimSpace(media)
	if name == "" {
		name = "attachment"
	}
	data := str(x["data"])
	if data == "" {
		data = str(obj(x["_data"])["value"])
	}
	if data == "" {
		return spaced(" ", words(name), cell{{text: "kept elsewhere, not in this record", style: small}})
	}
	raw, err := base64.StdEncoding.DecodeString(data)
	ending := savable[media]
	if err != nil || ending == "" {
		return spaced(" ", words(name), cell{{text: "of a kind that is not shown here (" + media + ")", style: small}})
	}
	href := "data:" + media + ";base64," + base64.StdEncoding.EncodeToString(raw)
	c := cell{{text: "Save " + name, style: link, href: href, name: fileName(name, ending)}}
	switch {
	case visible[media]:
		c = joined(c, cell{{text: name, style: picture, href: href}})
	case media == "text/plain" && len(raw) <= maxText:
		c = joined(c, lines(string(raw)))
	}
	return c
}

// fileName is a name that is the same file on every system.
func fileName(name, ending string) string {
	var b strings.Builder
	for _, r := range strings.TrimSuffix(name, ending) {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
		} else if s := b.String(); s != "" && s[len(s)-1] != '-' {
			b.WriteByte('-')
		}
		if b.Len() >= 60 {
			break
		}
	}
	if s := strings.Trim(b.String(), "-"); s != "" {
		return s + ending
	}
	return "attachment" + ending
}
