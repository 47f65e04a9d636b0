# The address and its digest are placeholders: see packaging/README.md.
class Keyfob < Formula
  desc "Keeps AWS sessions renewed and serves them as credential_process"
  homepage "https://packages.invalid/keyfob"
  url "https://packages.invalid/keyfob-0.1.0.tar.gz"
  sha256 "0000000000000000000000000000000000000000000000000000000000000000"
  license any_of: ["MIT", "Apache-2.0"]

  depends_on "rust" => :build

  def install
    system "cargo", "xtask", "install", "--prefix", prefix, "--no-service"
    # What `cargo xtask uninstall` reads; here brew removes.
    rm share/"keyfob/installed"
  end

  # Instead of `keyfob daemon install`, whose path would be that of one version.
  service do
    run [opt_bin/"keyfobd"]
    keep_alive crashed: true
    process_type :background
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/keyfob --version")
    assert_match "complete", shell_output("#{bin}/keyfob completions bash")
  end
end
