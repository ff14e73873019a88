package mockserver

import "strings"

// vocabulary are 256 words, each of which is exactly one token in the common
// byte-pair vocabularies (o200k, cl100k, p50k, r50k), at the start of a text as well
// as after a space. So a client that counts the tokens of an answer comes to the
// count that the server reports.
const vocabulary = "" +
	"the of and to in is that it for was on are as with his they at be this from have or by one had not but what " +
	"all were when we there can an your which their said if do will each about how up out them then she many " +
	"some so these would other into has more her two like him see time could no make than first been its who now " +
	"people my made over did down only way find use may water long little very after words called just where " +
	"most know get through back much before go good new write our me man too any day same right look think also " +
	"around another come work three word must because does part even place well such here take why things help " +
	"put years different away again off went old number great tell men say small every found still between name " +
	"should home big give air line set own under read last never us left end along while might next sound below " +
	"something thought both few those always show large often house world going want school important until form " +
	"food keep children land side without boy once life sometimes four head above kind almost live page got " +
	"earth need far hand high year mother light parts country father let night picture being study second eyes " +
	"soon times story boys since white days ever paper hard near better best during today sure try young sun " +
	"ways thing example heard change answer room sea against"

// words are the vocabulary, each with the space before it.
var words = func() (w [256]string) {
	for i, word := range strings.Fields(vocabulary) {
		w[i] = " " + word
	}
	return w
}()

// answer is a text of n tokens that depends on the prompt alone.
type answer struct{ first, step uint8 }

func newAnswer(promptHash uint32) answer {
	return answer{first: uint8(promptHash), step: uint8(promptHash>>8) | 1} // an odd step visits every word
}

// token is the text of token i; the first has no space before it.
func (a answer) token(i int) string {
	w := words[uint8(i)*a.step+a.first]
	if i == 0 {
		return w[1:]
	}
	return w
}

// appendText appends n tokens.
func (a answer) appendText(dst []byte, n int) []byte {
	for i := range n {
		dst = append(dst, a.token(i)...)
	}
	return dst
}
