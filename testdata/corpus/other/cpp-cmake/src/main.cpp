#include <iostream>

int main() { std::cout << "pricer\n"; }
