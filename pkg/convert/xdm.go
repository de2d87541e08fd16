package convert

import (
	"archive/zip"
	"html"
	"io"
	"path"
	"regexp"
	"strings"
)

// This file knows the archives of IHE XDM (ITI Technical Framework, volume 2, 3.32), as portals of patients give them: below IHE_XDM
// each folder has a METADATA.XML that names its documents. What else is there, INDEX.HTM and style sheets, is for people.

const mostMetadata = 16 << 20

var (
	xdmSlot  = regexp.MustCompile(`(?s)<(?:\w+:)?Slot\s[^>]*\bname\s*=\s*["']URI["'][^>]*>(.*?)</(?:\w+:)?Slot>`)
	xdmValue = regexp.MustCompile(`(?s)<(?:\w+:)?Value(?:\s[^>]*)?>([^<]*)</`)
)

// xdmDocuments are the documents that an archive of XDM names, in its order; ok reports that it is one. A name stands as it does
// in the archive, if a member has it.
func xdmDocuments(members map[string]*zip.File, names []string) (list []string, ok bool) {
	spelled := map[string]string{}
	for _, name := range names {
		spelled[strings.ToUpper(name)] = name
	}
	for _, name := range names {
		if upper := strings.ToUpper(name); path.Base(upper) != "METADATA.XML" || !strings.Contains("/"+upper, "/IHE_XDM/") {
			continue
		}
		r, err := members[name].Open()
		if err != nil {
			continue
		}
		b, err := io.ReadAll(io.LimitReader(r, mostMetadata))
		r.Close()
		if err != nil {
			continue
		}
		for _, slot := range xdmSlot.FindAllSubmatch(b, -1) {
			uri := ""
			for _, v := range xdmValue.FindAllSubmatch(slot[1], -1) { // a long one stands in pieces: 1|..., 2|...
				piece := strings.TrimSpace(string(v[1]))
				if i := strings.IndexByte(piece, '|'); i > 0 && strings.Trim(piece[:i], "0123456789") == "" {
					piece = piece[i+1:]
				}
				uri += piece
			}
			if uri = html.UnescapeString(uri); uri == "" {
				continue
			}
			at := path.Join(path.Dir(name), strings.ReplaceAll(uri, `\`, "/"))
			if s := spelled[strings.ToUpper(at)]; s != "" {
				at = s
			}
			list, ok = append(list, at), true
		}
	}
	return list, ok
}
