// A certificate with its private key, and another key; made for these tests and used nowhere else.

import { generateKeyPairSync } from 'node:crypto';

export const certificate = `-----BEGIN CERTIFICATE-----
MIIBiTCCAS+gAwIBAgIUJAtKOFVwLJYwrdAhDHXf5vP5y/owCgYIKoZIzj0EAwIw
GTEXMBUGA1UEAwwObWFzdGVyLmV4YW1wbGUwIBcNMjYxMTIzMDUzNjQxWhgPMjEy
NjEwMzAwNTM2NDFaMBkxFzAVBgNVBAMMDm1hc3Rlci5leGFtcGxlMFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAEQWUyYHw9cfGxDBWm0o8BNtUyTQIUaS6PSNjFCRrP
qkCQfXVPT6m/HT5X1/mkzkouX9qevS5o6xs7JmBJzUlY/qNTMFEwHQYDVR0OBBYE
FHrp4tOoefcQxcRyoV1Z+PBRq01jMB8GA1UdIwQYMBaAFHrp4tOoefcQxcRyoV1Z
+PBRq01jMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhAP9/tSju
8Oh2ILaZ8wKFNP9E2XurikiqhIKMn82RfRtPAiAdjsxJKSI9kwOKBPR6XUUhUauT
hnco55BUIkaNbmtktQ==
-----END CERTIFICATE-----
`;

export const certificateKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgzd4LCcfO9PC6AsMQ
aTE2N698+gd143+r1m9F3nT4I/ahRANCAARBZTJgfD1x8bEMFabSjwE21TJNAhRp
Lo9I2MUJGs+qQJB9dU9Pqb8dPlfX+aTOSi5f2p69LmjrGzsmYEnNSVj+
-----END PRIVATE KEY-----
`;

export const rsaKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
  type: 'pkcs8',
  format: 'pem',
}) as string;

export const lockedKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
  type: 'pkcs8',
  format: 'pem',
  cipher: 'aes-256-cbc',
  passphrase: 'unknown to the program',
}) as string;
