"""Our models inside other programs. Each module needs the program that it is for, and says so where it is missing."""
