package xerosim

import (
	"cmp"
	"errors"
	"net/url"
	"strconv"
	"time"
)

// controlsAPI are the API half's own switches under /_sim/.
func (s *Sim) controlsAPI() []control {
	return []control{
		{"slow", "by", "make every call to an organisation take so long, 2s; 0 ends it", func(f url.Values) (any, error) {
			by, err := time.ParseDuration(f.Get("by"))
			if err != nil {
				return nil, err
			}
			s.SlowAPI(by)
			return nil, nil
		}},
		{"use-up", "limit [organisation]", "leave nothing of limit=minute, day or appminute until its window ends", func(f url.Values) (any, error) {
			return nil, s.UseUp(f.Get("limit"), f.Get("organisation"))
		}},
		{"strange", "[values] [missing]", "answer with unheard-of values=true, or without the optional fields missing=true", func(f url.Values) (any, error) {
			values, err1 := strconv.ParseBool(cmp.Or(f.Get("values"), "false"))
			missing, err2 := strconv.ParseBool(cmp.Or(f.Get("missing"), "false"))
			if err := errors.Join(err1, err2); err != nil {
				return nil, err
			}
			s.Strange(values, missing)
			return nil, nil
		}},
		{"practice", "", "connect a tenant that is no organisation", done(s.ConnectPractice)},
	}
}
