package collaborator

import "errors"

// Messages of LDAP (RFC 4511) as far as a client's lookup needs them.
const (
	ldapBind         = 0x60
	ldapBindAnswer   = 0x61
	ldapUnbind       = 0x42
	ldapSearch       = 0x63
	ldapSearchDone   = 0x65
	ldapExtended     = 0x77
	ldapExtendedDone = 0x78

	resultSuccess      = 0
	resultNoSuchObject = 32
	maxMessages        = 8
)

var (
	errShort = errors.New("more is to come")
	errBER   = errors.New("no BER element")
)

// element reads one BER element with a tag of one byte: its tag, content, and how long it is.
func element(b []byte) (tag byte, content []byte, size int, err error) {
	if len(b) < 2 {
		return 0, nil, 0, errShort
	}
	length, at := int(b[1]), 2
	if b[1] >= 0x80 {
		n := int(b[1] & 0x7f)
		if n == 0 || n > 4 {
			return 0, nil, 0, errBER
		}
		if len(b) < 2+n {
			return 0, nil, 0, errShort
		}
		length = 0
		for _, c := range b[2 : 2+n] {
			length = length<<8 | int(c)
		}
		at += n
	}
	switch {
	case length > maxRead:
		return 0, nil, 0, errBER
	case len(b) < at+length:
		return 0, nil, 0, errShort
	}
	return b[0], b[at : at+length], at + length, nil
}

// message reads one message: the number and the operation that it asks for.
func message(b []byte) (id []byte, operation byte, size int, err error) {
	tag, body, size, err := element(b)
	if err != nil {
		return nil, 0, 0, err
	}
	if tag != 0x30 {
		return nil, 0, 0, errBER
	}
	tag, id, n, err := element(body)
	if err != nil || tag != 0x02 || len(id) == 0 || len(id) > 4 || len(body) == n {
		return nil, 0, 0, errBER // the whole message is here, so nothing of it is to come
	}
	return id, body[n], size, nil
}

// result is the answer to a message: a code without names or words.
func result(id []byte, operation, code byte) []byte {
	body := append([]byte{0x02, byte(len(id))}, id...)
	body = append(body, operation, 7, 0x0a, 1, code, 0x04, 0, 0x04, 0)
	return append([]byte{0x30, byte(len(body))}, body...)
}

// ldap lets a client bind, and finds nothing for it: what it looked for is what counts.
func (t *talk) ldap() {
	read, told := 0, false
	for range maxMessages {
		id, operation, size, err := message(t.in[read:])
		for errors.Is(err, errShort) && t.more(restTime) {
			id, operation, size, err = message(t.in[read:])
		}
		if err != nil || !t.reply(id, operation) {
			break
		}
		if read += size; operation == ldapSearch {
			told = len(t.tell("ldap")) > 0
		}
	}
	switch {
	case told:
	case read == 0:
		t.tell("tcp")
	default:
		t.tell("ldap")
	}
}

// reply says whether the conversation goes on.
func (t *talk) reply(id []byte, operation byte) bool {
	switch operation {
	case ldapBind:
		return t.say(result(id, ldapBindAnswer, resultSuccess))
	case ldapSearch:
		return t.say(result(id, ldapSearchDone, resultNoSuchObject))
	case ldapExtended:
		return t.say(result(id, ldapExtendedDone, 2)) // protocolError: TLS is not begun here
	case ldapUnbind:
		return false
	}
	return true
}
