// DNS numbers that the core and the host both use. This file is read by both compilers and imports nothing.

// RFC 1035 section 4.1.1
export const HEADER_SIZE = 12;
export const MAX_LABEL_SIZE = 63; // octets, without the length octet
export const MAX_NAME_SIZE = 255; // octets on the wire, with length octets and the root label
export const MAX_LABELS = 127; // (255 - 1) / 2
export const MAX_MESSAGE_SIZE = 65535;
export const MIN_UDP_PAYLOAD = 512; // RFC 6891 section 6.2.3
export const MAX_POINTER = 0x3fff; // the largest offset that a compression pointer can name

// RR types
export const TYPE_A = 1;
export const TYPE_NS = 2;
export const TYPE_CNAME = 5;
export const TYPE_SOA = 6;
export const TYPE_PTR = 12;
export const TYPE_TXT = 16;
export const TYPE_SIG = 24;
export const TYPE_AAAA = 28;
export const TYPE_SRV = 33;
export const TYPE_OPT = 41;
export const TYPE_TSIG = 250;
export const TYPE_IXFR = 251;
export const TYPE_AXFR = 252;
export const TYPE_ANY = 255;

export const CLASS_IN = 1;
export const CLASS_CH = 3;

export const OPCODE_QUERY = 0;

export const RCODE_NOERROR = 0;
export const RCODE_FORMERR = 1;
export const RCODE_SERVFAIL = 2;
export const RCODE_NXDOMAIN = 3;
export const RCODE_NOTIMP = 4;
export const RCODE_REFUSED = 5;
export const RCODE_BADVERS = 16; // extended, RFC 6891 section 9
export const RCODE_BADCOOKIE = 23; // extended, RFC 7873 section 8

// Bits of the header's flags word in host order: QR opcode(4) AA TC RD | RA Z AD CD rcode(4)
export const FLAG_QR = 0x8000;
export const FLAG_AA = 0x0400;
export const FLAG_TC = 0x0200;
export const FLAG_RD = 0x0100;
export const FLAG_RA = 0x0080;
export const FLAG_AD = 0x0020;
export const FLAG_CD = 0x0010;
export const OPCODE_MASK = 0x7800;
export const RCODE_MASK = 0x000f;

export const STALE_TTL = 30; // seconds, of an answer out of date, RFC 8767 section 4
export const RECHECK_SECONDS = 30; // for which it is told without asking again, RFC 8767 section 5
export const LOCAL_TTL = 10800; // of the records of zones that every server has for itself, RFC 6303 section 3

// EDNS(0), RFC 6891 section 6.1
export const OPT_SIZE = 11; // root owner, type, class, ttl, rdlength: an OPT without options
export const OPTION_NSID = 3; // RFC 5001
export const OPTION_CLIENT_SUBNET = 8; // RFC 7871
export const OPTION_COOKIE = 10; // RFC 7873
export const OPTION_KEEPALIVE = 11; // RFC 7828
export const OPTION_EXTENDED_ERROR = 15; // RFC 8914

// Extended errors, RFC 8914 section 4
export const ERROR_STALE = 3;
export const ERROR_CACHED = 13;
export const ERROR_NOT_READY = 14;
export const ERROR_PROHIBITED = 18;
export const ERROR_STALE_NXDOMAIN = 19;
export const ERROR_NOT_AUTHORITATIVE = 20;
