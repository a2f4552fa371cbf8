/** The characters that people do not see, for a class of a regular expression with the flag `v`. */
export const invisible = String.raw`\p{Default_Ignorable_Code_Point}\u{2800}`;
