// The numbers of DNS, as the core knows them.

export * from '../../assembly/shared/wire.ts';

/** Where name servers listen (RFC 1035 section 4.2). */
export const DNS_PORT = 53;

/** The largest message over UDP that we send and ask for, octets: it is not fragmented on any usual path (RFC 9715). */
export const UDP_PAYLOAD = 1232;
