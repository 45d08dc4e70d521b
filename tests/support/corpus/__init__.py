"""What a hostile gateway leaves, says and prints, made anew for each test: no such file is kept."""
