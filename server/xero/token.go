package xero

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"financial-command-center/assets/words"
	"financial-command-center/keystore"
)

const (
	// A token request that takes longer is given up; Xero may have rotated all the
	// same, and then honours the old refresh token for half an hour.
	tokenTimeout = 30 * time.Second
	// Xero's largest answer, with two JWTs and many scopes, is about 4 kB.
	tokenAnswerLimit = 64 << 10
	// What a token without expires_in is trusted for (RFC 6749, section 5.1, leaves
	// it to the provider to say).
	unknownLife = 5 * time.Minute
)

// access is an access token and when it was asked for.
type access struct {
	token  keystore.Secret
	asked  time.Time // with its monotonic reading
	life   time.Duration
	scopes []string
}

func (a access) expires() time.Time { return a.asked.Round(0).Add(a.life) }

// age is how old the token is by whichever clock says more: the monotonic clock
// may stand still while the machine sleeps, the wall clock may be set back.
func (a access) age(now time.Time) time.Duration {
	return max(now.Sub(a.asked), now.Round(0).Sub(a.asked.Round(0)))
}

func (a access) left(now time.Time) time.Duration {
	if a.token.IsZero() {
		return 0
	}
	return a.life - a.age(now)
}

// usable reports whether the token may still be sent: it must not end on its way.
func (a access) usable(now time.Time) bool {
	return a.left(now) > min(5*time.Second, a.life/10)
}

// lastMinute is what is left of the token when a renewal is put off no longer.
func (a access) lastMinute() time.Duration { return min(time.Minute, a.life/10) }

// answer is what is taken of a token answer; everything else in it is dropped.
type answer struct {
	AccessToken  keystore.Secret
	RefreshToken keystore.Secret // empty: none was given
	IDToken      keystore.Secret // empty: none was given
	Scope        string
	ExpiresIn    time.Duration
	asked        time.Time
}

func (a answer) access() access {
	return access{token: a.AccessToken, asked: a.asked, life: a.ExpiresIn, scopes: strings.Fields(a.Scope)}
}

// answerError is an HTTP answer that is not the one hoped for. It holds nothing of
// the body but an OAuth error code.
type answerError struct {
	status     int
	code       string // RFC 6749, section 5.2; "" when the body had none
	detail     error  // ours; may be nil
	retryAfter time.Duration
}

func (e *answerError) Error() string {
	text := fmt.Sprintf("answer %d", e.status)
	if e.code != "" {
		text += " " + e.code
	}
	if e.detail != nil {
		text += ": " + e.detail.Error()
	}
	return text
}

func (e *answerError) words() string {
	switch {
	case e.status == http.StatusTooManyRequests:
		return words.Say("xero.answer.limited")
	case e.status == http.StatusForbidden:
		return words.Say("xero.answer.forbidden")
	case e.status >= 500:
		return words.Say("xero.answer.broken", "Status", e.status)
	}
	return words.Say("xero.answer.nonsense")
}

// RefusedApp is Xero's word where it refused the app rather than the grant: a wrong
// client id or secret, or an app that may not do this. Else it is "".
func RefusedApp(err error) string {
	if a, ok := errors.AsType[*answerError](err); ok {
		switch a.code {
		case "invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "invalid_request":
			return a.code
		}
	}
	return ""
}

// deadGrant reports whether Xero refused the grant itself.
func deadGrant(err error) bool {
	var a *answerError
	return errors.As(err, &a) && a.code == "invalid_grant"
}

// tokenRequest posts one form to the token endpoint, once. A public client (PKCE)
// sends its id in the form and no Authorization header; a client with a secret
// uses Basic. Nothing is tried twice: a second try could spend a one-use token.
func (c *Connections) tokenRequest(ctx context.Context, endpoint, clientID string, secret keystore.Secret, form url.Values) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	asked := time.Now()
	resp, err := c.postForm(ctx, endpoint, clientID, secret, form)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, tokenAnswerLimit+1))
	if err != nil {
		return answer{}, fmt.Errorf("the token answer broke off: %w", err)
	}
	if len(body) > tokenAnswerLimit {
		return answer{}, &answerError{status: resp.StatusCode, detail: errors.New("too large")}
	}
	a, err := parseAnswer(resp, body)
	a.asked = asked
	return a, err
}

// postForm sends a form as the client. The caller closes the answer's body.
func (c *Connections) postForm(ctx context.Context, endpoint, clientID string, secret keystore.Secret, form url.Values) (*http.Response, error) {
	if secret.IsZero() {
		form.Set("client_id", clientID)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	if !secret.IsZero() {
		// RFC 6749, section 2.3.1: both parts are form-encoded first.
		req.SetBasicAuth(url.QueryEscape(clientID), url.QueryEscape(secret.Reveal()))
	}
	return c.do(req)
}

func parseAnswer(resp *http.Response, body []byte) (answer, error) {
	fail := &answerError{status: resp.StatusCode, retryAfter: retryAfter(resp.Header)}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	var raw struct {
		AccessToken  string          `json:"access_token"`
		RefreshToken string          `json:"refresh_token"`
		IDToken      string          `json:"id_token"`
		TokenType    string          `json:"token_type"`
		Scope        json.RawMessage `json:"scope"`
		ExpiresIn    json.RawMessage `json:"expires_in"`
		Error        string          `json:"error"`
	}
	if err := json.Unmarshal(body, &raw); err != nil {
		fail.detail = fmt.Errorf("not JSON but %q", kind)
		return answer{}, fail
	}
	if resp.StatusCode != http.StatusOK {
		fail.code = oauthCode(raw.Error)
		return answer{}, fail
	}
	switch {
	case raw.AccessToken == "":
		fail.detail = errors.New("no access_token")
		return answer{}, fail
	case !strings.EqualFold(raw.TokenType, "Bearer"):
		fail.detail = errors.New("token_type is missing or not Bearer")
		return answer{}, fail
	}
	a := answer{
		AccessToken: keystore.NewSecret(raw.AccessToken), RefreshToken: keystore.NewSecret(raw.RefreshToken),
		IDToken: keystore.NewSecret(raw.IDToken), Scope: scopeText(raw.Scope), ExpiresIn: seconds(raw.ExpiresIn),
	}
	if a.ExpiresIn <= 0 {
		a.ExpiresIn = unknownLife
	}
	return a, nil
}

// oauthCode keeps an error code only if it is one: RFC 6749 has them in lower-case
// letters and underscores. Anything else could be an echo of what we sent.
func oauthCode(s string) string {
	if len(s) > 40 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return ""
	}
	return s
}

// scopeText takes the scope as a text or as a list of texts.
func scopeText(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var list []string
	_ = json.Unmarshal(raw, &list)
	return strings.Join(list, " ")
}

// seconds takes a JSON number, or one in quotes.
func seconds(raw json.RawMessage) time.Duration {
	n, err := strconv.ParseFloat(strings.Trim(string(raw), `"`), 64)
	if err != nil || n < 0 || n > 1e9 {
		return 0
	}
	return time.Duration(n * float64(time.Second))
}

// retryAfter reads the header's seconds; its other form, a date, Xero does not use.
func retryAfter(h http.Header) time.Duration {
	return seconds(json.RawMessage(h.Get("Retry-After")))
}
