package benchmarks

import (
	"maps"
	"strings"
)

// The keys of a session that the works use by name.
const (
	nameKey  = "name"
	countKey = "count"
	userKey  = "user"
)

// name is the value of nameKey.
const name = "Ada Lovelace, Countess of Lovelace"

// values are the ten keys of an ordinary session, about 1 KB as JSON: texts and
// a number, which every library and codec takes without being told of types.
func values() map[string]any {
	return map[string]any{
		nameKey:    name,
		countKey:   0,
		"email":    "ada.lovelace@analytical-engine.example",
		"locale":   "en-GB",
		"theme":    "dark",
		"timezone": "Europe/London",
		"csrf":     "b7Uq0mJX1cN4v9RzKpWdE2sTgYhLf6aOi3xQkVnMj8w",
		"cart": strings.Join([]string{
			"tea-0117:2:earl grey, loose leaf, 250 g", "tea-0342:1:darjeeling first flush, 100 g", "tea-0519:4:oolong, roasted, 50 g",
			"cup-0020:6:cup, white, with saucer", "pot-0007:1:kettle, copper, 1.2 litres", "use-0003:1:strainer, steel",
			"eat-0118:1:honey, heather, 500 g", "eat-0230:3:shortbread, all butter, 300 g", "eat-0231:2:oatcakes, 250 g",
		}, ";"),
		"permissions": "orders.read orders.write profile.read profile.write reviews.write newsletter.read addresses.read addresses.write",
		"preferences": "currency=GBP&units=metric&newsletter=weekly&sort=price,ascending&view=grid&density=comfortable&columns=name,price,stock,rating",
	}
}

// bigKeys times bigSize is 100 KB.
const (
	bigKeys = 10
	bigSize = 10 << 10
)

// bigValues are 100 KB in keys that no work uses.
func bigValues() map[string]any {
	big := make(map[string]any, bigKeys)
	for n := range bigKeys {
		big["other"+string(rune('0'+n))] = strings.Repeat("0123456789", bigSize/10)
	}
	return big
}

// anonymousValues are what a visitor has before the login.
func anonymousValues() map[string]any {
	v := values()
	maps.DeleteFunc(v, func(key string, _ any) bool { return key != "locale" && key != "theme" && key != "cart" })
	return v
}

// filled is what a route that begins a session puts into it.
func filled(route string) map[string]any {
	v := values()
	switch route {
	case FillBig:
		maps.Copy(v, bigValues())
	case Anonymous:
		return anonymousValues()
	}
	return v
}
