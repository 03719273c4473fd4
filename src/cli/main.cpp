#include "cli/program.h"

int main(int argc, char** argv) {
  return ondol::cli::run_program(argc, argv);
}
