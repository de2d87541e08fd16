package pack

import (
	"path"
	"strings"
)

// mediaTypes are by file extension and our own, because the system's table differs from machine to machine (law 4).
var mediaTypes = map[string]string{
	".csv": "text/csv", ".tsv": "text/tab-separated-values", ".txt": "text/plain", ".md": "text/markdown",
	".json": "application/json", ".ndjson": "application/x-ndjson", ".xml": "application/xml",
	".html": "text/html", ".htm": "text/html", ".pdf": "application/pdf", ".zip": "application/zip",
	".hl7": "x-application/hl7-v2+er7", ".er7": "x-application/hl7-v2+er7",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".doc":  "application/msword", ".rtf": "application/rtf",
	".dcm": "application/dicom", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".tif": "image/tiff", ".tiff": "image/tiff",
}

// MediaType names what a file is by its name's ending.
func MediaType(name string) string {
	if t, ok := mediaTypes[strings.ToLower(path.Ext(name))]; ok {
		return t
	}
	return "application/octet-stream"
}
