package Shop;
1;
