/* In the place of Prettier in a worker that formats nothing. */
export default undefined;
