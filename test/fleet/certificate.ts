import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

export interface Certificate {
  readonly key: string;
  readonly certificate: string;
}

/** Signed by itself, for that address: as authority it is given to those who shall trust it. */
export function makeCertificate(folder: string, address: string): Certificate {
  const pem = { key: join(folder, 'key.pem'), certificate: join(folder, 'certificate.pem') };
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const subject = ['-subj', '/CN=argosy', '-addext', `subjectAltName=IP:${address}`];
  const files = ['-keyout', pem.key, '-out', pem.certificate];
  execFileSync('openssl', ['req', '-x509', ...curve, '-days', '2', ...subject, ...files], { stdio: 'ignore' });
  return pem;
}
