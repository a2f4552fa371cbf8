/** The accounts and the catalogue of `npm run demo`. They are the same in every shop. */

export const adminEmail = "admin@example.com";

/** The names of the customers. Their emails are made of them: Ann Lee is ann.lee@example.com. */
export const customerNames: readonly string[] = [
  "Ann Lee",
  "Ben Okafor",
  "Clara Schmidt",
  "David Nowak",
  "Elena Rossi",
  "Farid Haddad",
  "Grace Kim",
  "Henrik Larsen",
  "Ines Moreau",
  "Jonas Weber",
  "Katya Ivanova",
  "Luis Ortega",
  "Mina Tanaka",
  "Noah Jansen",
  "Olga Kowalska",
  "Priya Sharma",
  "Quentin Dubois",
  "Rosa Silva",
  "Samuel Mensah",
  "Tara Byrne",
];

export function emailOf(name: string): string {
  return `${name.toLowerCase().replaceAll(" ", ".")}@example.com`;
}

/** A kind of product. `price` is that of the cheapest one, in minor units. */
interface Kind {
  name: string;
  materials: readonly string[];
  price: number;
}

const kinds: readonly Kind[] = [
  {
    name: "Mug",
    materials: ["Clay", "Enamel", "Glass", "Stoneware", "Porcelain", "Steel"],
    price: 790,
  },
  {
    name: "Bowl",
    materials: ["Bamboo", "Enamel", "Glass", "Stoneware", "Porcelain", "Olive Wood"],
    price: 990,
  },
  {
    name: "Vase",
    materials: ["Terracotta", "Glass", "Stoneware", "Porcelain", "Brass", "Marble"],
    price: 1_490,
  },
  {
    name: "Notebook",
    materials: ["Plain", "Lined", "Squared", "Dotted", "Hardcover", "Leather"],
    price: 490,
  },
  {
    name: "Blanket",
    materials: ["Fleece", "Cotton", "Linen", "Wool", "Alpaca", "Mohair"],
    price: 2_990,
  },
  {
    name: "Kettle",
    materials: ["Enamel", "Glass", "Steel", "Ceramic", "Cast Iron", "Copper"],
    price: 3_490,
  },
  {
    name: "Clock",
    materials: ["Pine", "Oak", "Walnut", "Steel", "Brass", "Marble"],
    price: 3_990,
  },
  {
    name: "Lamp",
    materials: ["Paper", "Linen", "Glass", "Steel", "Oak", "Brass"],
    price: 4_490,
  },
  {
    name: "Backpack",
    materials: ["Nylon", "Cotton", "Canvas", "Cork", "Felt", "Leather"],
    price: 5_990,
  },
  {
    name: "Chair",
    materials: ["Pine", "Beech", "Rattan", "Oak", "Steel", "Walnut"],
    price: 7_990,
  },
];

const colours = ["White", "Black", "Green", "Blue", "Red"];

/** Returns the products: each kind in all its materials and all colours. */
export function demoProducts() {
  return kinds.flatMap(({ name, materials, price }, k) =>
    materials.flatMap((material, m) =>
      colours.map((colour, c) => ({
        name: `${material} ${name}, ${colour}`,
        description: `A ${colour.toLowerCase()} ${name.toLowerCase()}: ${material.toLowerCase()}.`,
        price: price + m * 120 + c * 20,
        stock: 20 + ((k * 31 + m * 17 + c * 7) % 180),
      })),
    ),
  );
}
