package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// web puts a file to an address of the web by one PUT: to a server for WebDAV, or with an address that was signed beforehand to a store
// like S3. Nothing of a file that breaks off appears there; HTTP has no common way to go on, so another try begins anew.
type web struct {
	u      *url.URL
	client *http.Client
}

func newWeb(u *url.URL, o *Options) *web {
	t := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: connectTimeout}).DialContext,
		TLSClientConfig:       &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   connectTimeout,
		ResponseHeaderTimeout: 5 * time.Minute,
		TLSNextProto:          map[string]func(string, *tls.Conn) http.RoundTripper{}, // HTTP/1.1: one request needs no more
	}
	return &web{u, &http.Client{Transport: t, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		switch {
		case r.URL.Scheme != "https":
			return giveUp("the server sends on to an address without encryption")
		case len(via) > 5:
			return giveUp("the server sends on and on")
		case r.URL.Host != via[0].URL.Host && len(o.Header) > 0:
			return giveUp("the server sends on to %s, which is not given the headers; send there directly", r.URL.Host)
		}
		return nil
	}}}
}

const connectTimeout = 30 * time.Second

// goesOn: a server may take a PUT of a part (RFC 9110, 14.5) for the whole, and an address that was signed beforehand holds for one PUT.
func (w *web) goesOn() bool { return false }

func (w *web) close() { w.client.CloseIdleConnections() }

func (w *web) put(ctx context.Context, f *File, o *Options) (string, error) {
	u := *w.u
	if strings.HasSuffix(u.Path, "/") || u.Path == "" {
		u.Path = strings.TrimSuffix(u.Path, "/") + "/" + f.Name
		u.RawPath = ""
	}
	at := (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String() // what follows may be a signature, which is a secret
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, u.String(), io.NopCloser(f.from(ctx, 0, o)))
	if err != nil {
		return "", &final{fmt.Errorf("%w: it is not written as an address", ErrAddress)}
	}
	req.ContentLength = f.Size
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(f.from(ctx, 0, o)), nil }
	req.Header.Set("Content-Type", "application/octet-stream")
	for k, v := range o.Header {
		req.Header[k] = v
	}
	resp, err := w.client.Do(req)
	if err != nil {
		var outer *url.Error // repeats the whole address
		if errors.As(err, &outer) {
			err = outer.Err
		}
		var cert *tls.CertificateVerificationError
		if errors.As(err, &cert) {
			return "", giveUp("%s: %w", u.Host, err)
		}
		return "", fmt.Errorf("%s: %w", u.Host, err)
	}
	defer resp.Body.Close()
	head, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	switch resp.StatusCode {
	case http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNoContent:
		return at, nil
	}
	err = fmt.Errorf("%s answered %d %s%s", u.Host, resp.StatusCode, http.StatusText(resp.StatusCode), storeCode(head))
	switch {
	case resp.StatusCode == http.StatusPreconditionFailed || resp.StatusCode == http.StatusConflict:
		return "", giveUp("%w: %w", ErrExists, err)
	case resp.StatusCode >= 500, resp.StatusCode == http.StatusRequestTimeout, resp.StatusCode == http.StatusTooManyRequests:
		return "", err
	}
	return "", &final{err}
}

var codeElement = regexp.MustCompile(`<Code>([A-Za-z]{1,60})</Code>`)

// storeCode is the word by which stores like S3 tell why they refuse something.
func storeCode(body []byte) string {
	if m := codeElement.FindSubmatch(body); m != nil {
		return " (" + string(m[1]) + ")"
	}
	return ""
}
