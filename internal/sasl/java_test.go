package sasl

// javaVectors are logins between the server and the client of
// javax.security.sasl of Java 17. The nonces are the random ones that the
// client chose.
var javaVectors = []struct {
	user, password, name string // name is the user on the wire
	latin1               bool   // the server does not offer UTF-8

	nonce, cnonce, response, rspauth string
}{
	{"ann", "secret", "ann", false,
		"MwspWu8MRqpy6+yf9iqeJgs2qvUZziFn3GMCkPh3", "+5ruIcsH+PwFxW4mApodqLzQj4zSi+Gvo/0YeLDQ",
		"a5da575e9bcda811cfb5b4747769db9a", "63763171be0eeee34778a812168346aa"},
	{"jos\u00e9", "p\u00e4ssword", "jos\u00e9", false,
		"kD1t+x1u2TkLTaIE96SRf7KiqJIkBy5j8Nyx5cwQ", "td54OA/0I4s9zDr+ci4c4TWSkMUb6uG9iy4jdwqB",
		"bd3fad28958bc65bfc6c054edd77027a", "73118b60e41f95df229a4de040dee73c"},
	{"\u6f22\u5b57", "\u5bc6\u7801", "\u6f22\u5b57", false,
		"Z+OiJdXM3QJJsvNYJHCqAf/kuYAu2HmhJheoOH7o", "gEH1wzFBS13m3yXjMwXhEBYhQ25kfXGlImqnDUdY",
		"21946aa76c033c1577a59d1aefd88a89", "ff2d933b882ee6c1ab9f36b547636092"},
	{"jos\u00e9", "\u5bc6\u7801", "jos\u00e9", false,
		"qgNo/60mzIrlFgb/70408jsnW7YzM8vKw3vp54io", "yAKAkEXbGgNz1xK1jFtGauVy8eREpQkE9tGycq2f",
		"4e9e5ba6a82d65a138954dce3c0c72cf", "904cded6fe371971b8e104588ea4d301"},
	{"\u6f22\u5b57", "p\u00e4ss", "\u6f22\u5b57", false,
		"1jxaIyqjL2q83gMsunAOOy3SNKF99N1W833JylK7", "Did9Fuv5cHqbsHl/EQUVmxm4jkKfkboSQ9/FPh4D",
		"08bf812044044419f3e11e123c67fac6", "0faf97c45464f1248cacd3378ae169ac"},
	{"a\"b\\c", "q\"w\\e", "a\\\"b\\\\c", false,
		"TixY1gi5GxBVSmAn2i/ggQAC5YVVaxQXN8OOZUwp", "DhpEBp18QBaZfSw2EvaVrIgdu+jcwheITQA0RJHy",
		"62c0052dfb74e62e5e91f8c6e98bebf0", "2f9f0dd3548e4c2f825a0caa3ecb84b4"},
	{"jos\u00e9", "p\u00e4ssword", "jos\xe9", true,
		"5sRdyF4KMSHtltL8QXL3dttEjTE59WdVttjQf6IT", "VS4w+WcQRKkKaVR3pchQkHuzccqoxVnrUQXXM3oU",
		"e18b345da045e8c3283f17fc6d733362", "78684a0e62548b764627987c1f8d0073"},
	{"\U0001f600", "\U0001f600", "\U0001f600", false,
		"1By/gq9ZAfY6o6ievL4KGcAoxpMdYCtmcTjupZC+", "SbUOBPP6nZ6uptB+daTXeOydbKNGDBEjyh7QzJRJ",
		"9069c6e8932baf411a218a843d6ca4cd", "b5273744aa9b4c20be6a8a040dd4f8eb"},
}
