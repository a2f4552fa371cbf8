/** The largest Int of GraphQL: amounts in minor units and numbers of pieces are 32-bit integers. */
export const maxInt = 2_147_483_647;
