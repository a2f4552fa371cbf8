import {
  DataTypes,
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from "sequelize";

class ProductModel extends Model<
  InferAttributes<ProductModel>,
  InferCreationAttributes<ProductModel>
> {
  declare id: string;
  declare name: string;
  declare description: string;
  declare price: number;
  declare stock: number;
  declare archivedAt: CreationOptional<Date | null>;
}

/** Maps the tables of the products database onto one connection pool. */
export function productModels(sequelize: Sequelize) {
  return {
    products: class extends ProductModel {}.init(
      {
        id: { type: DataTypes.UUID, primaryKey: true },
        name: DataTypes.TEXT,
        description: DataTypes.TEXT,
        price: DataTypes.INTEGER,
        stock: DataTypes.INTEGER,
        archivedAt: DataTypes.DATE,
      },
      { sequelize, modelName: "products", tableName: "products" },
    ),
  };
}
