/** Codes of Node for a certificate whose issuer is not among the known CAs. */
export const unknownIssuer = /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_)/;
