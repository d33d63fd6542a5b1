// Linear memory, drawn and derived: every offset, size and magic number that the core and the host share.
// This file is read by both compilers and imports nothing. All fields are little-endian, all offsets in octets.
//
//   0            CONTROL_BASE      WORKERS_BASE              RATE_BASE    ARENA_BASE
//   +------------+-----------------+----------+---- ... -----+------------+--------------------- ... -+
//   |  nothing   |  control block  | worker 0 |              | rate table |  tables, as the host      |
//   |  (0 = no   |                 |          |              |            |  allocates them; grows    |
//   |  address)  |                 |          |              |            |                           |
//   +------------+-----------------+----------+---- ... -----+------------+--------------------- ... -+

export const LAYOUT_VERSION = 8;

// ------------------------------------------------------------------------------------------------ control block
//
//   +0   table     u32, atomic: address of the table that answers; 0 before the first
//   +64  labels    u8 × 128: scratch of the functions that change tables, which only the host's main thread calls
//   +192 options   u32 each, which the host's main thread writes; 0 turns each of them off
//          secretCount  secrets of DNS cookies that are accepted, 0–SECRETS_MAX (RFC 7873, RFC 9018)
//          maker        index of the secret that cookies are made with
//          keepalive    how long an idle TCP connection is kept, in units of 100 ms (RFC 7828)
//          rate         responses of a kind that a prefix of clients gets over UDP in a second
//          slip         every nth response beyond them is replaced by an empty one with TC, the others by none
//          rateSeed     u64: makes it hard to choose questions that share a bucket of the rate table
//          cache        address of the cache, below
//          networks     address of the list of networks whose queries are forwarded; without one, everybody's are
//   +256 secrets   16 octets × SECRETS_MAX: keys of SipHash

export const CONTROL_BASE = 1024;
export const CONTROL_TABLE = CONTROL_BASE;
export const CONTROL_LABELS = CONTROL_BASE + 64;
export const CONTROL_SECRET_COUNT = CONTROL_BASE + 192;
export const CONTROL_SECRET_MAKER = CONTROL_SECRET_COUNT + 4;
export const CONTROL_KEEPALIVE = CONTROL_SECRET_MAKER + 4;
export const CONTROL_RATE = CONTROL_KEEPALIVE + 4;
export const CONTROL_SLIP = CONTROL_RATE + 4;
export const CONTROL_RATE_SEED = CONTROL_BASE + 216; // u64
export const CONTROL_CACHE = CONTROL_RATE_SEED + 8;
export const CONTROL_NETWORKS = CONTROL_CACHE + 4;
export const CONTROL_OPTIONS_END = CONTROL_NETWORKS + 4;
export const CONTROL_SECRETS = CONTROL_BASE + 256;
export const SECRET_SIZE = 16;
export const SECRETS_MAX = 4;

// Two lists of networks, of which one is in force while the other is written, each a count and then the networks:
//   +0   count    u32, and 4 reserved
//   network:
//   +0   family   u32: 1 IPv4, 2 IPv6, and 4 reserved
//   +8   address  16 octets, left-aligned; clear outside of the mask
//   +24  mask     16 octets
export const NETWORKS_MAX = 512;
export const NETWORK_FAMILY = 0;
export const NETWORK_ADDRESS = 8;
export const NETWORK_MASK = 24;
export const NETWORK_SIZE = 40;
export const NETWORKS_FIRST = 8;
export const NETWORKS_SIZE = NETWORKS_FIRST + NETWORK_SIZE * NETWORKS_MAX;
export const CONTROL_NETWORK_LISTS = CONTROL_SECRETS + SECRET_SIZE * SECRETS_MAX;
export const CONTROL_SIZE = 256 + SECRET_SIZE * SECRETS_MAX + 2 * NETWORKS_SIZE;

// ------------------------------------------------------------------------------------------------ worker block
//
// One for each thread that answers. Everything that a thread writes lies in its own block.
//
//   WORKER_ANNOUNCED     u32, atomic: the table this worker is reading; 0 between batches (alone on its cache line)
//   WORKER_RANDOM        u64: state of the generator that orders answers; seeded by the host, never 0
//   WORKER_CLOCK         u32: seconds since 1970, which the host writes before each call
//   WORKER_QUESTION      the parsed question and the reply being written, below
//   WORKER_ORDER         u16 × 65536: the order in which the records of an RRset are written
//   WORKER_EMITTED       8 octets × EMITTED_MAX: SRV and NS records written to the present answer, below
//   WORKER_MARKS         u32 × 65536: for each target of an RRset, the number of the last answer that named it
//   WORKER_COUNTS        f64 × COUNTS: what this worker has done since start, below
//   WORKER_REFRESHES     entries of the cache to be asked for again, below
//   WORKER_PLACES        u32 × BATCH_MAX, and one word: scratch of looking up a batch ahead
//   WORKER_DESCRIPTORS   DESCRIPTOR_SIZE × (BATCH_MAX + 1)
//   WORKER_PACKETS       BATCH_MAX slots of SLOT_SIZE, then the stream slot
//
// A slot is a guard, room for a message, and a guard. The core never writes into guards; tests put canaries there.

export const WORKER_ANNOUNCED = 0;
export const WORKER_RANDOM = 64;
export const WORKER_ANSWER_NUMBER = 72; // u32: counts answers that carry additional records; see WORKER_MARKS
export const WORKER_CLOCK = 76;
export const WORKER_QUESTION = 128;

// The parsed question. Label 0 is the leftmost; the root is not counted.
//
//   QUESTION_NAME          the lower-cased name on the wire, ≤ 255 octets, zero padding behind it
//   QUESTION_LABELS        u8 × 128: where each label's length octet stands in the name
//   QUESTION_HASHES        u64 × 128: hash of the suffix that begins at each label
//   the rest               u32 each

export const QUESTION_NAME = WORKER_QUESTION;
export const QUESTION_NAME_ROOM = 272;
export const QUESTION_LABELS = QUESTION_NAME + QUESTION_NAME_ROOM;
export const QUESTION_HASHES = QUESTION_LABELS + 128;
export const QUESTION_NAME_SIZE = QUESTION_HASHES + 128 * 8; // octets on the wire, root included
export const QUESTION_LABEL_COUNT = QUESTION_NAME_SIZE + 4;
export const QUESTION_TYPE = QUESTION_LABEL_COUNT + 4;
export const QUESTION_CLASS = QUESTION_TYPE + 4;
export const QUESTION_END = QUESTION_CLASS + 4; // offset in the message behind the question
export const RECORDS_END = QUESTION_END + 4; // offset in the message behind the last record
export const EDNS_PRESENT = RECORDS_END + 4; // 1 if the query carries an OPT record
export const EDNS_PAYLOAD = EDNS_PRESENT + 4; // the sender's UDP payload size, as sent
export const EDNS_VERSION = EDNS_PAYLOAD + 4;
export const EDNS_DO = EDNS_VERSION + 4; // 1 if the DO bit is set
export const EDNS_WANTS = EDNS_DO + 4; // WANTS_…: options of the query that ask for one in the answer
export const SUBNET_FAMILY = EDNS_WANTS + 4; // 0 none, 1 IPv4, 2 IPv6 (RFC 7871): the client subnet option, else the sender
export const SUBNET_ADDRESS = SUBNET_FAMILY + 4; // 16 octets, left-aligned

export const WANTS_NSID = 1; // RFC 5001
export const WANTS_KEEPALIVE = 2; // RFC 7828

// The COOKIE option of the query (RFC 7873), and, once settled, of the answer. What SipHash reads stands together:
//
//   | client cookie (8) | version, reserved, timestamp (8) | sender's address (4 or 16) | padding |   RFC 9018 section 4
export const COOKIE_STATE = SUBNET_ADDRESS + 16; // u32: COOKIE_…
export const COOKIE_VALID = COOKIE_STATE + 4; // u32: 1 if the server cookie that came is ours and not too old
export const COOKIE_CLIENT = COOKIE_VALID + 4; // 8 octets
export const COOKIE_STAMP = COOKIE_CLIENT + 8; // 8 octets
export const COOKIE_ADDRESS = COOKIE_STAMP + 8; // 16 octets, and 8 that are readable
export const COOKIE_HASH = COOKIE_ADDRESS + 24; // 8 octets

export const COOKIE_NONE = 0;
export const COOKIE_CLIENT_ONLY = 1;
export const COOKIE_WITH_SERVER = 2; // of the size of ours
export const COOKIE_WITH_FOREIGN = 3; // of another size
export const COOKIE_MALFORMED = 4;

// The reply while it is written, u32 each
export const REPLY_AT = COOKIE_HASH + 8; // offset in the message of the next octet
export const REPLY_LIMIT = REPLY_AT + 4; // first offset that must stay free; room for the OPT record is taken off
export const REPLY_ANSWERS = REPLY_LIMIT + 4; // records in each section
export const REPLY_AUTHORITY = REPLY_ANSWERS + 4;
export const REPLY_ADDITIONAL = REPLY_AUTHORITY + 4;
export const REPLY_ERROR = REPLY_ADDITIONAL + 4; // the extended error to tell (RFC 8914), 0: none
export const REPLY_RCODE = REPLY_ERROR + 4; // with its upper bits (RFC 6891 section 6.1.3)

// What was found in the cache, u32 each; see assembly/cache/find.ts
export const FOUND_ENTRY = REPLY_RCODE + 4; // address
export const FOUND_SLOT = FOUND_ENTRY + 4; // address
export const FOUND_SEQUENCE = FOUND_SLOT + 4; // of the entry's segment when it was found
export const FOUND_FENCE = FOUND_SEQUENCE + 4; // stored to for the order of loads around it
export const WORKER_FIELDS_END = FOUND_FENCE + 4;

export const WORKER_ORDER = 2048;
export const ORDER_MAX = 65536; // entries
export const WORKER_MARKS = WORKER_ORDER + ORDER_MAX * 2;
export const WORKER_EMITTED = WORKER_MARKS + ORDER_MAX * 4;

// An emitted record: u32 target index, u32 offset in the message of the target name. A message of 65,535 octets holds
// fewer than this many records that name a target (12 octets of fixed fields and 2 of rdata each at the least).
export const EMITTED_SIZE = 8;
export const EMITTED_MAX = 4096;

// Counts: whole numbers that only grow, but for sums of seconds. The worker alone writes them, the core or its host, with
// plain stores; others read them whenever they like. They outlive the worker's thread. Indexes:
//
//   COUNT_REQUESTS        by transport, then family (IPv4, IPv6), then type: COUNT_TYPES
//   COUNT_RESPONSES       by rcode: COUNT_RCODES
//   COUNT_TRUNCATED …     one each
//   COUNT_CACHE_…         answers from the cache (with records; that there are none; out of date), and questions that were
//                         not in it
//   COUNT_REQUEST_SIZE    by transport: a histogram of octets, below; COUNT_RESPONSE_SIZE likewise
//   COUNT_DURATION        by transport: a histogram of seconds, which the host counts
//
// A type up to COUNT_TYPE_MAX is counted at its own number, meta types (251–255) behind it, all others at 0.
//
// A histogram: how many values fell into each bucket, the last one without bound, and the sum of all values. Bucket i of
// sizes ends at SIZE_FIRST × 2^i octets, of durations at DURATION_FIRST × 2^i seconds.
export const COUNT_TYPE_MAX = 65; // HTTPS
export const COUNT_META_FIRST = 251; // IXFR
export const COUNT_META_LAST = 255; // ANY
export const COUNT_TYPES = COUNT_TYPE_MAX + 1 + COUNT_META_LAST - COUNT_META_FIRST + 1;
export const COUNT_RCODES = 24; // up to BADCOOKIE; larger ones are counted as the last one
export const SIZE_BUCKETS = 14; // the last bound is 65,536
export const SIZE_FIRST = 16;
export const DURATION_BUCKETS = 21; // the last bound is 8.192
export const DURATION_FIRST = 0.000015625;

export const COUNT_REQUESTS = 0;
export const COUNT_RESPONSES = COUNT_REQUESTS + 2 * 2 * COUNT_TYPES;
export const COUNT_TRUNCATED = COUNT_RESPONSES + COUNT_RCODES; // answers with TC
export const COUNT_DROPPED = COUNT_TRUNCATED + 1; // messages that get no answer
export const COUNT_FORWARDED = COUNT_DROPPED + 1; // queries for the forwarder
export const COUNT_RATE_DROPPED = COUNT_FORWARDED + 1; // answers held back because their receiver had too many
export const COUNT_RATE_SLIPPED = COUNT_RATE_DROPPED + 1; // answers replaced by an empty one for the same reason
export const COUNT_PROHIBITED = COUNT_RATE_SLIPPED + 1; // queries that would be forwarded, but for where they come from
export const COUNT_CACHE_SUCCESS = COUNT_PROHIBITED + 1;
export const COUNT_CACHE_DENIAL = COUNT_CACHE_SUCCESS + 1;
export const COUNT_CACHE_STALE = COUNT_CACHE_DENIAL + 1; // of these two
export const COUNT_CACHE_MISSES = COUNT_CACHE_STALE + 1;
export const COUNT_CORE_FAILURES = COUNT_CACHE_MISSES + 1; // traps, which the host counts
export const COUNT_REQUEST_SIZE = COUNT_CORE_FAILURES + 1;
export const COUNT_RESPONSE_SIZE = COUNT_REQUEST_SIZE + 2 * (SIZE_BUCKETS + 1);
export const COUNT_DURATION = COUNT_RESPONSE_SIZE + 2 * (SIZE_BUCKETS + 1);
export const COUNTS = COUNT_DURATION + 2 * (DURATION_BUCKETS + 1);
export const WORKER_COUNTS = WORKER_EMITTED + EMITTED_MAX * EMITTED_SIZE;

// Entries of the cache that are asked for often and soon over: hashes of their keys, for the cache's writer, which looks at
// them a few times a second. A ring; who is late misses some.
//   +0   written  u32, atomic: how many were ever written
//   +8   hashes   u64 × REFRESHES_MAX
export const WORKER_REFRESHES = WORKER_COUNTS + COUNTS * 8;
export const REFRESHES_WRITTEN = 0;
export const REFRESHES_HASHES = 8;
export const REFRESHES_MAX = 128;

// A descriptor says what is in a slot:
//   +0   length    u32: octets of the query on the way in, of the answer (FORWARD: see status.ts) on the way out
//   +4   verdict   u32, written by the core: see status.ts
//   +8   transport u32: TRANSPORT_UDP or TRANSPORT_TCP
//   +12  family    u32: 1 IPv4, 2 IPv6 (the numbers of RFC 7871): the sender's
//   +16  address   16 octets, left-aligned: the sender's
export const BATCH_MAX = 64; // packets in one call
export const WORKER_PLACES = WORKER_REFRESHES + REFRESHES_HASHES + REFRESHES_MAX * 8;
export const WORKER_TOUCHED = WORKER_PLACES + BATCH_MAX * 4;
export const WORKER_DESCRIPTORS = WORKER_TOUCHED + 8;
export const DESCRIPTOR_LENGTH = 0;
export const DESCRIPTOR_VERDICT = 4;
export const DESCRIPTOR_TRANSPORT = 8;
export const DESCRIPTOR_FAMILY = 12;
export const DESCRIPTOR_ADDRESS = 16;
export const DESCRIPTOR_SIZE = 32;

export const TRANSPORT_UDP = 0;
export const TRANSPORT_TCP = 1;

export const STREAM_SLOT = BATCH_MAX; // index of the descriptor of the stream slot

export const GUARD_SIZE = 64;
export const SLOT_ROOM = 4096; // the largest query and answer over UDP
export const SLOT_SIZE = GUARD_SIZE + SLOT_ROOM;
export const WORKER_PACKETS = WORKER_DESCRIPTORS + (BATCH_MAX + 1) * DESCRIPTOR_SIZE;
export const STREAM_ROOM = 65536; // one message over TCP, without its length prefix
export const STREAM_MESSAGE = WORKER_PACKETS + BATCH_MAX * SLOT_SIZE + GUARD_SIZE;
export const WORKER_END = STREAM_MESSAGE + STREAM_ROOM + GUARD_SIZE;
export const WORKER_SIZE = 786432; // WORKER_END rounded up to pages; checked by the core's compiler and by a test

export const WORKERS_BASE = 65536;
export const WORKERS_MAX = 32;

// ------------------------------------------------------------------------------------------------ rate table
//
// How many responses of a kind each prefix of clients got in the present second: sets of entries, found by the hash of
// prefix and kind; within a set, the entry that was idle longest makes room. All workers use it with plain loads and stores:
// a count that is lost now and then does not matter.
//
//   entry:
//   +0   tag      u32: of the hash, not 0
//   +4   second   u32: of WORKER_CLOCK
//   +8   count    u32: responses in that second, those held back included
//   +12  held     u32: responses held back since the entry was made
//   +16  prefix   u64: the first 3 (IPv4) or 7 (IPv6) octets of the clients' addresses, in the order of memory
//   +24  family   u32: 1 IPv4, 2 IPv6
//   +28  kind     u32: RATE_…
export const RATE_BASE = WORKERS_BASE + WORKERS_MAX * WORKER_SIZE;
export const RATE_SETS = 16384;
export const RATE_WAYS = 4;
export const RATE_TAG = 0;
export const RATE_SECOND = 4;
export const RATE_COUNT = 8;
export const RATE_HELD = 12;
export const RATE_PREFIX = 16;
export const RATE_FAMILY = 24;
export const RATE_KIND = 28;
export const RATE_ENTRY_SIZE = 32;
export const RATE_SIZE = RATE_SETS * RATE_WAYS * RATE_ENTRY_SIZE;

export const RATE_ANSWER = 0; // of one name
export const RATE_NO_NAME = 1; // NXDOMAIN of whatever name
export const RATE_ERROR = 2;
export const RATE_FORWARD = 3; // a question of one name that goes to a resolver

export const ARENA_BASE = RATE_BASE + RATE_SIZE;

// ------------------------------------------------------------------------------------------------ table
//
// A generation of the zone: a header, and an index that leads to nodes. Nothing that a published table leads to ever
// changes. The next generation has a header of its own, and shares the index pages and nodes that stayed the same.
//
//    header ──▶ directory ──▶ index page ──▶ node ──▶ body of an RRset        all in the arena, addresses are absolute
//
// Header, TABLE_ALIGN-aligned; offsets in it are from its own address:
//   +0   magic          u32
//   +4   size           u32: octets of the header with zones and directory
//   +8   generation     u32
//   +12  flags          u32: TABLE_FLAG_…
//   +16  directory      u32: offset of the addresses of the index pages, u32 each
//   +20  pageMask       u32: number of index pages − 1; the number is a power of two
//   +24  zones          u32: offset of the zones
//   +28  zoneCount      u32
//   +32  negativeSoa    u32: address of the SOA record of negative answers, from its TYPE field on (owner left out)
//   +36  negativeSoaSize u32
//   +40  udpPayload     u32: the largest answer over UDP, 512–SLOT_ROOM (RFC 6891 section 6.2.4)
//   +44  nsid           u32: offset of the octets of the NSID option (RFC 5001)
//   +48  nsidSize       u32: their number, 0–NSID_MAX; 0: none is sent
//   +52  chaos          u32: offset of the texts of class CH
//   +56  chaosCount     u32
//   +60  zoneBuckets    u32: offset of the hash table of zones 1 to n, u16 each: the zone's index, 0: empty
//   +64  zoneBucketMask u32: number of buckets − 1; the number is a power of two, at least twice that of the zones
//   +68  localSoa       u32: offset of the SOA record of zones answered here, LOCAL_SOA_SIZE octets from its TYPE field
//                       on; MNAME is a pointer, which the core points to the zone's name

export const TABLE_ALIGN = 64;
export const TABLE_MAGIC = 0x31534e44; // "DNS1"
export const TABLE_SIZE = 4;
export const TABLE_GENERATION = 8;
export const TABLE_FLAGS = 12;
export const TABLE_DIRECTORY = 16;
export const TABLE_PAGE_MASK = 20;
export const TABLE_ZONES = 24;
export const TABLE_ZONE_COUNT = 28;
export const TABLE_NEGATIVE_SOA = 32;
export const TABLE_NEGATIVE_SOA_SIZE = 36;
export const TABLE_UDP_PAYLOAD = 40;
export const TABLE_NSID = 44;
export const TABLE_NSID_SIZE = 48;
export const TABLE_CHAOS = 52;
export const TABLE_CHAOS_COUNT = 56;
export const TABLE_ZONE_BUCKETS = 60;
export const TABLE_ZONE_BUCKET_MASK = 64;
export const TABLE_LOCAL_SOA = 68;
export const TABLE_HEADER_SIZE = 128;

export const NSID_MAX = 128; // octets; so an OPT record with every option fits into 512 octets behind any question

export const TABLE_FLAG_LOADED = 1; // a state has been read; without it names of the zone are answered SERVFAIL
export const TABLE_FLAG_RECURSION = 2; // answers say RA
export const TABLE_FLAG_FORWARD = 4; // foreign names are forwarded; without it they are REFUSED
export const TABLE_FLAG_TRUNCATE = 8; // an answer that was cut says TC
export const TABLE_FLAG_SUBNET_FIRST = 16; // addresses near the client come first
export const TABLE_FLAG_STALE = 32; // the zone may be out of date: answers from it say so (RFC 8914)

export const TABLE_FLAG_POINTERS = 64; // there are reverse names: those above them exist, too

// A text of class CH (RFC 4892), u64-aligned:
//   +0   hash        u64 of the name, filled in by sealTable()
//   +8   nameSize    u32: octets on the wire
//   +12  name        u32: offset from the table of the lower-cased name on the wire (7 octets behind it are readable)
//   +16  record      u32: offset from the table of the TXT record, owned by a pointer to offset 12
//   +20  recordSize  u32
export const CHAOS_HASH = 0;
export const CHAOS_NAME_SIZE = 8;
export const CHAOS_NAME = 12;
export const CHAOS_RECORD = 16;
export const CHAOS_RECORD_SIZE = 20;
export const CHAOS_SIZE = 24;

// A zone, u64-aligned. Zone 0 is the domain we answer for; then come the zones of `zoneResolvers`, whose route is their
// index, and those that are answered here with next to nothing (RFC 6303). The name stands there for comparison.
//   +0   hash        u64 of the zone's name, filled in by sealTable(), which enters it into the hash table as well
//   +8   labelCount  u32
//   +12  nameSize    u32: octets on the wire
//   +16  name        u32: offset from the table of the lower-cased name on the wire (7 octets behind it are readable)
//   +20  kind        u32: ZONE_…
//   +24  leafLabels  u32: labels of a whole reverse name in it; 0: it has no reverse names
//   +28  reserved    u32
export const ZONE_HASH = 0;
export const ZONE_LABEL_COUNT = 8;
export const ZONE_NAME_SIZE = 12;
export const ZONE_NAME = 16;
export const ZONE_KIND = 20;
export const ZONE_LEAF_LABELS = 24;
export const ZONE_SIZE = 32;

export const ZONE_OURS = 0; // the domain
export const ZONE_FORWARDED = 1;
export const ZONE_EMPTY = 2; // answered here: a SOA and an NS record
export const ZONE_LOOPBACK = 3; // answered here: every name has the loopback addresses

//   | type SOA | class | ttl (4) | rdlength | MNAME: a pointer (2) | RNAME nobody.invalid. (16) | five numbers (20) |
export const LOCAL_SOA_MNAME = 10; // offset
export const LOCAL_SOA_SIZE = LOCAL_SOA_MNAME + 2 + 16 + 20;

// An index page: PAGE_SLOTS slots, a hash table of its own. The hash of a name says where its slot is:
//
//    63            32 31      22 21                 0
//   +----------------+----------+--------------------+
//   |      tag       |   slot   |  page, by pageMask |     linear probing within the page
//   +----------------+----------+--------------------+
//
// A slot:
//   +0   tag   u32
//   +4   node  u32: address of the node; SLOT_EMPTY ends a probe
export const PAGE_SLOTS = 1024;
export const PAGE_SLOT_SHIFT = 22;
export const PAGES_MAX = 4194304; // 2^PAGE_SLOT_SHIFT
export const SLOT_TAG = 0;
export const SLOT_NODE = 4;
export const INDEX_SLOT_SIZE = 8;
export const PAGE_SIZE = PAGE_SLOTS * INDEX_SLOT_SIZE;
export const SLOT_EMPTY = 0; // no node has this address

// A node: one owner name, NODE_ALIGN-aligned. No RRset: an empty non-terminal (RFC 8020).
//   +0   nameSize     u16: octets on the wire
//   +2   rrsetCount   u16
//   +4   flags        u32: NODE_FLAG_…
//   +8   extent       u32: octets of the node and of the bodies that only it leads to
//   +12  rrsets       RRSET_SIZE × rrsetCount, then the lower-cased name (7 octets behind it are readable)
export const NODE_NAME_SIZE = 0;
export const NODE_RRSET_COUNT = 2;
export const NODE_FLAGS = 4;
export const NODE_EXTENT = 8;
export const NODE_RRSETS = 12;
export const NODE_ALIGN = 8;
export const NODE_NAME_PADDING = 7; // octets
export const NODE_FLAG_APEX = 1; // the name is a zone of its own (a reverse name): its negative answers' SOA is owned by it

// An RRset of a node:
//   +0   type    u16
//   +2   count   u16: records, 1–65535
//   +4   body    u32: address of the body
export const RRSET_TYPE = 0;
export const RRSET_COUNT = 2;
export const RRSET_COUNT_MAX = 65535;
export const RRSET_BODY = 4;
export const RRSET_SIZE = 8;

// The body of A and AAAA: the records as on the wire, one behind the other, each owned by a pointer to offset 12.
//   | C0 0C | type | class | ttl (4) | 00 04 or 00 10 | address |
export const RECORD_OWNER_SIZE = 2; // the pointer
export const RECORD_FIXED_SIZE = 12; // owner pointer, type, class, ttl, rdlength
export const A_RECORD_SIZE = RECORD_FIXED_SIZE + 4;
export const AAAA_RECORD_SIZE = RECORD_FIXED_SIZE + 16;

// The body of every other type: a directory, then the records as on the wire, and the addresses of the targets that they
// name (SRV, NS), each as an A and an AAAA body. Offsets are from the body; it is u32-aligned.
//   +0   targetCount  u32
//   +4   directory    ENTRY_SIZE × count, then TARGET_SIZE × targetCount
//
//   entry:  +0 record u32: offset   +4 size u16: octets   +6 target u16: index, or NO_TARGET
//   target: +0 addresses u32: offset of the A records, the AAAA records behind them   +4 aCount u16   +6 aaaaCount u16
export const BODY_TARGET_COUNT = 0;
export const BODY_DIRECTORY = 4;
export const ENTRY_RECORD = 0;
export const ENTRY_RECORD_SIZE = 4;
export const ENTRY_TARGET = 6;
export const ENTRY_SIZE = 8;
export const NO_TARGET = 0xffff;
export const TARGET_ADDRESSES = 0;
export const TARGET_A_COUNT = 4;
export const TARGET_AAAA_COUNT = 6;
export const TARGET_SIZE = 8;

// ------------------------------------------------------------------------------------------------ lists
//
// What the host tells of a table while it builds the whole: names with what they have, whose nodes the core writes and puts
// into the index together, and the services of one SRV RRset, whose body it writes. Texts are ASCII without capital letters.

// A list of names:
//   +0   at       u32: where the first node goes, NODE_ALIGN-aligned, the others behind it, each as large as its text lets
//                 it be; the core leaves there where the last one ends
//   +4   count    u32: of elements, up to LIST_NAMES_MAX
//   the core writes the rest of the header:
//   +8   added    u32: names that the table has only now
//   +12  garbage  u32: extents of nodes that were replaced
//   +16  isFull   u32: 1 where a page has no free slot left; what else it wrote means nothing then
//   +20  next     u32: index of the place in `above` that is written next
//   +24  above    ABOVE_SIZE × LIST_ABOVE_MAX: the last distinct names right above those of elements
//   then LIST_NAMES_MAX elements, and the texts one behind the other, LIST_TEXTS_SIZE octets at the most (7 octets behind
//   them are readable)
export const LIST_AT = 0;
export const LIST_COUNT = 4;
export const LIST_ADDED = 8;
export const LIST_GARBAGE = 12;
export const LIST_IS_FULL = 16;
export const LIST_NEXT = 20;
export const LIST_ABOVE = 24;
export const LIST_ABOVE_MAX = 8;

// A name above:
//   +0   hash     u64
//   +8   name     u32: its address, on the wire
//   +12  size     u32: octets on the wire; 0: nothing stands here
//   +16  element  u32: address of the first element right below it
//   +20  reserved u32
export const ABOVE_HASH = 0;
export const ABOVE_NAME = 8;
export const ABOVE_NAME_SIZE = 12;
export const ABOVE_ELEMENT = 16;
export const ABOVE_SIZE = 24;

// An element, u64-aligned:
//   +0   textSize    u32: octets of the name as text, with its final dot
//   +4   extent      u32: octets of the bodies that only this name leads to
//   +8   rrsets      RRSET_SIZE × LISTED_RRSETS_MAX, as they are to stand in the node
//   +32  rrsetCount  u32
//   the core writes the rest:
//   +36  node        u32: its address; 0: the text is no name that can be written
//   +40  hash        u64
//   +48  first       u32: address of the first element that is right below the same name, as far as it remembers
//   +52  siblings    u32: of this element, where it is the first: names right below the same name that are added, itself too
export const LISTED_TEXT_SIZE = 0;
export const LISTED_EXTENT = 4;
export const LISTED_RRSETS = 8;
export const LISTED_RRSETS_MAX = 3; // A, AAAA, SRV
export const LISTED_RRSET_COUNT = LISTED_RRSETS + RRSET_SIZE * LISTED_RRSETS_MAX;
export const LISTED_NODE = LISTED_RRSET_COUNT + 4;
export const LISTED_HASH = LISTED_NODE + 4;
export const LISTED_FIRST = LISTED_HASH + 8;
export const LISTED_SIBLINGS = LISTED_FIRST + 4;
export const LISTED_SIZE = LISTED_SIBLINGS + 4;

export const LIST_NAMES_MAX = 128;
export const LIST_NAMES = LIST_ABOVE + ABOVE_SIZE * LIST_ABOVE_MAX;
export const LIST_TEXTS = LIST_NAMES + LISTED_SIZE * LIST_NAMES_MAX;
export const LIST_TEXTS_SIZE = 8192; // octets
export const LIST_SIZE = LIST_TEXTS + LIST_TEXTS_SIZE + 8;

// A list of services:
//   +0   ttl          u32: seconds
//   +4   weight       u32
//   +8   count        u32: of elements, 1 to SERVICES_MAX
//   +12  recordsSize  u32, written by the core: octets of the records in a message
//   +16  SERVICES_MAX elements, and the texts one behind the other, SERVICES_TEXTS_SIZE octets at the most (7 octets
//        behind them are readable)
//
// An element, u64-aligned:
//   +0   textSize  u32: octets of the service as text, `target.:port`
//   the core writes the rest:
//   +4   target    u32: its index among the targets of the body
//   +8   hash      u64 of the target
//   +16  name      u32: address of the target, on the wire
//   +20  nameSize  u32: octets on the wire
export const SERVICES_TTL = 0;
export const SERVICES_WEIGHT = 4;
export const SERVICES_COUNT = 8;
export const SERVICES_RECORDS_SIZE = 12;
export const SERVICES = 16;
export const SERVICES_MAX = 128;
export const SERVICE_TEXT_SIZE = 0;
export const SERVICE_TARGET = 4;
export const SERVICE_HASH = 8;
export const SERVICE_NAME = 16;
export const SERVICE_NAME_SIZE = 20;
export const SERVICE_SIZE = 24;
export const SERVICES_TEXTS = SERVICES + SERVICE_SIZE * SERVICES_MAX;
export const SERVICES_TEXTS_SIZE = 8192; // octets
export const SERVICES_SIZE = SERVICES_TEXTS + SERVICES_TEXTS_SIZE + 8;

// ------------------------------------------------------------------------------------------------ cache
//
// Answers of upstream resolvers, one region for all workers. One thread writes it, the forwarder's; every worker reads it.
//
//    bucket ──▶ entry, in a segment                     addresses are absolute
//
// Segments are filled with entries one behind the other. Segments form two queues (S3-FIFO): what is new goes to the end
// of the probation queue, what was asked for again meanwhile, or comes back soon, to that of the main queue. When there is
// no free segment, the oldest one is reclaimed: entries that were asked for are copied to the main queue, the rest goes.
//
// Readers take no locks. The sequence number of a segment grows when it is reclaimed: what was copied out of an entry is
// whole if the number is then what it was before. Nothing in an entry changes while buckets lead to it, but for RECHECK.
//
// Header, then buckets, then the ghosts, then descriptors of segments, then the segments:
//   +0   address words, u32: buckets, bucketMask, ghosts, ghostMask, segments, segmentCount, data
//   +32  settings, u32 each, which the host writes before it starts a thread:
//          minTtl, maxTtl, maxNegativeTtl  seconds
//          maxStale     how long after its end an entry may be told where nothing better is known; 0: never
//          refreshes    1: entries in demand are reported before their end
//          cuts         1: that a name does not exist holds for names below it (RFC 8020)
//   +64  queues: of free segments, probation, main; first, last (0: none, else index + 1), count
//   +128 entries u32; the rest f64: evicted, replaced
export const CACHE_BUCKETS = 0;
export const CACHE_BUCKET_MASK = 4;
export const CACHE_GHOSTS = 8;
export const CACHE_GHOST_MASK = 12;
export const CACHE_SEGMENTS = 16;
export const CACHE_SEGMENT_COUNT = 20;
export const CACHE_DATA = 24;
export const CACHE_MIN_TTL = 32;
export const CACHE_MAX_TTL = 36;
export const CACHE_MAX_NEGATIVE_TTL = 40;
export const CACHE_MAX_STALE = 44;
export const CACHE_REFRESHES = 48;
export const CACHE_CUTS = 52;
export const CACHE_FREE = 64;
export const CACHE_PROBATION = 80;
export const CACHE_MAIN = 96;
export const CACHE_ENTRIES = 128;
export const CACHE_EVICTIONS = 136;
export const CACHE_HEADER_SIZE = 256;

export const QUEUE_FIRST = 0;
export const QUEUE_LAST = 4;
export const QUEUE_COUNT = 8;

// A bucket: a cache line.
//   +0   marks  u8 × BUCKET_SLOTS: MARK_…, which readers set
//   +8   slots  u64 × BUCKET_SLOTS, atomic: | upper half of the key's hash | address of the entry; 0: empty |
export const BUCKET_SIZE = 64;
export const BUCKET_SLOTS = 7;
export const BUCKET_FIRST = 8;
export const MARK_ASKED = 1; // since it was stored
export const MARK_REPORTED = 2; // it was asked for, and shall be refreshed

// A ghost, u32: the upper half of the hash of a key that left the probation queue.
export const GHOST_SIZE = 4;

// A descriptor of a segment:
//   +0   sequence u32, atomic
//   +4   next     u32: index + 1 in its queue; 0: the last one
//   +8   used     u32: octets
//   +12  queue    u32: offset in the header of the queue that it is in
export const SEGMENT_SEQUENCE = 0;
export const SEGMENT_NEXT = 4;
export const SEGMENT_USED = 8;
export const SEGMENT_QUEUE = 12;
export const SEGMENT_DESCRIPTOR_SIZE = 16;
export const SEGMENT_SHIFT = 16;
export const SEGMENT_SIZE = 65536; // 1 << SEGMENT_SHIFT

// An entry: what stands behind the question in an answer, u64-aligned. An answer without records that a name exists (type
// 0) holds for all types; its only record is a SOA without pointers, so that it holds for names below it as well.
//   +0   hash       u64 of the key
//   +8   type       u16   +10 options u16: KEY_…      the key, with the name
//   +12  nameSize   u16   +14 recordsSize u16
//   +16  answers    u16   +18 authority u16   +20 additional u16   +22 flags u16: AD and rcode, as in a header
//   +24  stored     u32: seconds since 1970
//   +28  end        u32: likewise; from then on it is out of date
//   +32  recheck    u32, atomic: likewise; until then it is told though out of date, because resolvers do not answer
//   +36  bodySize   u16: octets of the records without the additional section
//   +38  ttlCount   u16
//   +40  turnStart  u16: where in the records a run of addresses begins that can be told in any order
//   +42  turnCount  u16   +44 turnSize u16: records in it, and octets of each
//   +46  reserved   u16
//   +48  the lower-cased name (up to 7 octets behind it are readable), u64-aligned:
//        u16 × ttlCount: offsets in the records of their TTLs, u64-aligned: the records
export const CACHED_HASH = 0;
export const CACHED_TYPE = 8;
export const CACHED_OPTIONS = 10;
export const CACHED_NAME_SIZE = 12;
export const CACHED_RECORDS_SIZE = 14;
export const CACHED_ANSWERS = 16;
export const CACHED_AUTHORITY = 18;
export const CACHED_ADDITIONAL = 20;
export const CACHED_FLAGS = 22;
export const CACHED_STORED = 24;
export const CACHED_END = 28;
export const CACHED_RECHECK = 32;
export const CACHED_BODY_SIZE = 36;
export const CACHED_TTL_COUNT = 38;
export const CACHED_TURN_START = 40;
export const CACHED_TURN_COUNT = 42;
export const CACHED_TURN_SIZE = 44;
export const CACHED_NAME = 48;
export const CACHED_RECORDS_MAX = 16384;
export const CACHED_TTLS_MAX = 1490; // no record takes less than 11 octets

export const KEY_DO = 1;
export const KEY_CD = 2;
export const KEY_AD = 4; // of the query; clear where DO is set, which asks for as much (RFC 6840 section 5.7)
export const KEY_ANY_TYPE = 0; // as a type: the name does not exist

// Behind the last segment, for who reads an entry that is being overwritten.
export const CACHE_GUARD_SIZE = 32768;
